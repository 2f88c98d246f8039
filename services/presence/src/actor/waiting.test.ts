import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, parseImpu } from '@rollcall/core'
import { readWatcherinfo } from '@rollcall/pidf'
import { type PresencePolicy, plainDecision } from '@rollcall/policy'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, BOB, CAROL, subscribe } from '../testing/inputs.ts'
import type { Touched } from './apply.ts'
import { decide } from './decide.ts'
import { DEFAULT_TERMS } from './terms.ts'
import { WinfoView } from './winfo-view.ts'

const CONFIRM: PresencePolicy = { decide: () => plainDecision('confirm') }

function stranger(number: number): Impu {
  return parseImpu(`sip:w${number}@ims.example.com`)
}

/** Somebody asks and goes at once: he waits. */
function asks(run: ActorRun, watcher: Impu, isHidden = false): { readonly touched: Touched } {
  return run.do(subscribe({ policy: CONFIRM, watcher: [watcher], isHidden, expiresSeconds: 0 }))
}

function shown(run: ActorRun, touched?: Touched): string[] {
  const { watchers } = readWatcherinfo(WinfoView.of(run.state, touched).body(ALICE, 0, run.nowMs))
  return watchers.map(({ uri, status, event }) => `${uri.split('@')[0]} ${status} ${event}`)
}

test('fifty wait for a presentity, and then the one that has waited longest gives way (RFC 3857 section 4.7.1)', () => {
  const run = new ActorRun()
  for (let i = 0; i < 50; i++) {
    run.nowMs += 1_000
    asks(run, stranger(i))
  }
  run.nowMs += 1_000
  const { touched } = asks(run, BOB)
  assert.equal(run.state.waiting?.size, 50)
  const told = shown(run, touched)
  assert.deepEqual(
    [told[0], ...told.slice(49)],
    ['sip:w1 waiting timeout', 'sip:bob waiting timeout', 'sip:w0 terminated giveup'],
  )
  run.nowMs += DEFAULT_TERMS.waitingMs - 2_000
  const gone = run.do({ kind: 'expire' }).touched.gone.length
  assert.equal(gone, 48, 'each for its own time')
  assert.equal(run.state.waiting?.size, 2)
  assert.deepEqual(placesOf(run.reload()), placesOf(run.state))
})

test('a watcher has one place, however often it asks (RFC 3857 section 4.7.1)', () => {
  const run = new ActorRun()
  asks(run, CAROL)
  for (let i = 0; i < 5; i++) asks(run, BOB)
  assert.deepEqual(shown(run), ['sip:carol waiting timeout', 'sip:bob waiting timeout'])
})

test('a crowd that was never decided and runs out at once leaves the newest fifty (RFC 3857 section 4.7.1)', () => {
  const run = new ActorRun()
  for (let i = 0; i < 1_200; i++) {
    run.nowMs += 1
    run.do(subscribe({ policy: CONFIRM, watcher: [stranger(i)], expiresSeconds: 60 }))
  }
  run.nowMs += 60_000
  let ended = 0
  for (let more = 1; more > 0; ended += more) {
    const { decision, touched } = run.do({ kind: 'expire' })
    assert.ok(decision.changes.length <= 1_000)
    more = touched.ended.length
  }
  assert.equal(ended, 1_200)
  assert.equal(run.state.subscriptions.size, 0)
  assert.equal(run.state.waiting?.size, 50)
  assert.deepEqual(shown(run).slice(-1), ['sip:w1199 waiting timeout'])
  assert.deepEqual(placesOf(run.reload()), placesOf(run.state))
})

test('who waits without a name is named by nothing, not even by coming back under his own (RFC 3323 section 4.1)', () => {
  const run = new ActorRun()
  asks(run, BOB, true)
  assert.deepEqual(shown(run), ['sip:anonymous waiting timeout'])
  const { touched } = asks(run, BOB)
  assert.deepEqual(shown(run, touched), ['sip:anonymous waiting timeout', 'sip:bob waiting timeout'])
  const again = asks(run, BOB, true)
  assert.deepEqual(shown(run, again.touched), [
    'sip:bob waiting timeout',
    'sip:anonymous waiting timeout',
    'sip:anonymous terminated giveup',
  ])
})

test('rules see who waits as they saw him when he asked', () => {
  const run = new ActorRun()
  asks(run, BOB, true)
  asks(run, CAROL)
  const policy: PresencePolicy = {
    decide: (watcher) => plainDecision(watcher.kind === 'pseudonymous' ? 'confirm' : 'allow'),
  }
  const { touched } = run.do({ kind: 'policy', policy, impus: [ALICE] })
  assert.deepEqual(shown(run, touched), ['sip:anonymous waiting timeout', 'sip:carol terminated approved'])
})

test('where the operator wants nobody to wait, a subscription that runs out is over', () => {
  const run = new ActorRun()
  const input = subscribe({ policy: CONFIRM, expiresSeconds: 0 })
  const { changes } = decide(run.state, input, run.nowMs, { ...DEFAULT_TERMS, waitingMs: 0 })
  assert.deepEqual(changes.at(-1), { kind: 'subscription-ended', id: input.newTag, reason: 'timeout', silent: false })
})

test('most presentities have nobody who waits, and no room for it', () => {
  const run = new ActorRun()
  run.do(subscribe())
  assert.ok(!run.state.waiting)
  asks(run, BOB)
  run.do({ kind: 'policy', policy: CONFIRM, impus: [ALICE] })
  assert.equal(placesOf(run.state).length, 1)
  run.do({ kind: 'policy', policy: { decide: () => plainDecision('allow') }, impus: [ALICE] })
  assert.equal(run.state.waiting, undefined)
})

function placesOf({ waiting }: ActorRun['state']) {
  return [...(waiting?.values() ?? [])]
}
