import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary } from '@rollcall/pidf'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, BOB, freshTag, publish, registration, subscribe } from '../testing/inputs.ts'
import { PresenceView, politeBody } from './view.ts'

const BOBS = { watcher: [BOB], isHidden: false }

function shown(run: ActorRun): string[] {
  const { tuples } = readPidfSummary(new PresenceView(run.state, 0).bodyFor(ALICE, BOBS))
  return tuples.map(({ id, basic }) => `${id} ${basic}`)
}

test('whoever is registered is open, and closed when that ends or runs out (TS 24.229 clause 5.4.1.7)', () => {
  const run = new ActorRun()
  assert.deepEqual(shown(run), ['network closed'], 'nobody has told')
  assert.equal(run.do(registration()).touched.presence, true)
  assert.deepEqual(shown(run), ['network open'])
  // A refresh is no news.
  run.nowMs += 1_000
  assert.equal(run.do(registration({ toldAtMs: run.nowMs })).touched.presence, false)
  assert.equal(run.do(registration({ expiresSeconds: 0, toldAtMs: run.nowMs })).touched.presence, true)
  assert.deepEqual(shown(run), ['network closed'])

  run.do(registration({ toldAtMs: run.nowMs, expiresSeconds: 60 }))
  run.nowMs += 60_000
  assert.equal(run.do({ kind: 'expire' }).touched.presence, true)
  assert.deepEqual(shown(run), ['network closed'])
})

test('publications stay beside it, each with its own tuple (RFC 3903 section 4)', () => {
  const run = new ActorRun()
  run.do(publish())
  assert.deepEqual(shown(run), ['t-1-phone open'], 'nobody has told')
  run.do(registration())
  assert.deepEqual(shown(run), ['t-1-phone open', 'network open'])
  run.do(registration({ expiresSeconds: 0 }))
  assert.deepEqual(shown(run), ['t-1-phone open', 'network closed'])
  // To a politely blocked watcher it is as if nobody had ever told (readings, Presence 6).
  assert.deepEqual(
    readPidfSummary(politeBody(ALICE)).tuples.map(({ basic }) => basic),
    ['closed'],
  )
})

test('that a registration has ended is forgotten when nothing shows it, and not before', () => {
  const run = new ActorRun()
  const published = publish({ expiresSeconds: 3_600 })
  run.do(published)
  run.do(registration({ expiresSeconds: 0 }))
  run.nowMs += 700_000
  run.do({ kind: 'expire' })
  assert.deepEqual(shown(run), ['t-1-phone open', 'network closed'])
  const removed = run.do(publish({ entityTag: published.newEntityTag, expiresSeconds: 0 }))
  assert.equal(removed.decision.answer?.status, 200)
  run.do({ kind: 'expire' })
  assert.equal(run.state.registration, undefined)
})

test('a REGISTER that was overtaken on its way changes nothing, and is answered with what holds (RFC 3261 section 10.3)', () => {
  const run = new ActorRun()
  run.do(registration({ toldAtMs: 2_000 }))
  const late = run.do(registration({ toldAtMs: 1_999, expiresSeconds: 0 })).decision
  assert.deepEqual(late.changes, [])
  assert.equal(late.answer?.status, 200)
  assert.deepEqual(shown(run), ['network open'])
  // At the same moment the one that comes later counts.
  run.do(registration({ toldAtMs: 2_000, expiresSeconds: 0 }))
  assert.deepEqual(shown(run), ['network closed'])
})

test('within one Call-ID the CSeq says what is newer, whatever clocks say (RFC 3261 section 10.3 step 7)', () => {
  const run = new ActorRun()
  run.do(registration({ callId: 'a', cseq: 2, toldAtMs: 2_000 }))
  assert.equal(run.status(registration({ callId: 'a', cseq: 2, toldAtMs: 3_000, expiresSeconds: 0 })), 500)
  assert.equal(run.status(registration({ callId: 'a', cseq: 3, toldAtMs: 1_000, expiresSeconds: 0 })), 200)
  assert.deepEqual(shown(run), ['network closed'])
})

test('the answer names the binding and its time; without Contact it is a question (RFC 3261 sections 10.2.3 and 10.3 step 8)', () => {
  const run = new ActorRun()
  const headers = (input: Parameters<ActorRun['do']>[0]) => new Map(run.do(input).decision.answer?.headers)
  const stored = headers(registration({ expiresSeconds: 600 }))
  assert.equal(stored.get('Contact'), '<sip:scscf.ims.example.com>;expires=600')
  assert.equal(stored.get('Expires'), '600')
  assert.match(stored.get('Date') ?? '', / GMT$/)
  run.nowMs += 1_000
  const asked = run.do({ ...registration(), binding: undefined }).decision
  assert.deepEqual(asked.changes, [])
  assert.equal(new Map(asked.answer?.headers).get('Expires'), '599')
  assert.ok(!headers(registration({ expiresSeconds: 0 })).has('Contact'))
})

test('all of it is in the log: a new owner shows the same', () => {
  const run = new ActorRun()
  run.do(registration({ callId: freshTag() }))
  run.do(publish())
  assert.deepEqual(run.reload().registration, run.state.registration)
  run.do(registration({ expiresSeconds: 0 }))
  assert.deepEqual(run.reload().registration, run.state.registration)
})

test('a watcher who is gone is told nothing, and the presentity that it is (RFC 3857 section 4.7.1)', () => {
  const run = new ActorRun()
  const bobs = subscribe()
  run.do(bobs)
  run.do(subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE] }))
  const { touched, decision } = run.do({ kind: 'end-watcher', subscriptionIds: [bobs.newTag, 'unknown'] })
  assert.deepEqual(decision.changes, [
    { kind: 'subscription-ended', id: bobs.newTag, reason: 'deactivated', silent: true },
  ])
  assert.equal(touched.winfo, true)
  assert.deepEqual(
    touched.ended.map(({ subscription, silent }) => [subscription.watcher, silent]),
    [[[BOB], true]],
  )
  assert.deepEqual(run.do({ kind: 'end-watcher', subscriptionIds: [bobs.newTag] }).decision.changes, [])
})
