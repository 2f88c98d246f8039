import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary, readWatcherinfo } from '@rollcall/pidf'
import { plainDecision } from '@rollcall/policy'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, ALICE_TEL, BOB, CAROL, pidf, publish, resubscribe, subscribe } from '../testing/inputs.ts'
import { PresenceView, politeBody, WinfoView } from './view.ts'

const BOBS = { watcher: [BOB], isHidden: false }

test('a view shows its moment, not what came after it', () => {
  const run = new ActorRun()
  run.do(publish({ newEntityTag: 'e1', body: pidf('first') }))
  const view = new PresenceView(run.state, 0)
  run.do(publish({ entityTag: 'e1', body: pidf('second') }))
  assert.deepEqual(readPidfSummary(view.bodyFor(ALICE, BOBS)).tuples[0]?.notes, ['first'])
})

test('a watcher of an alias sees the alias and no other name', () => {
  const run = new ActorRun()
  run.do(publish())
  const view = new PresenceView(run.state, 0)
  assert.equal(readPidfSummary(view.bodyFor(ALICE_TEL, BOBS)).entity, ALICE_TEL)
  assert.ok(!view.bodyFor(ALICE_TEL, BOBS).includes(ALICE))
  assert.equal(view.bodyFor(ALICE, BOBS), view.bodyFor(ALICE, BOBS), 'composed once')
})

test('the politely blocked see what everybody sees of one who publishes nothing (readings, Presence 6)', () => {
  assert.deepEqual(politeBody(ALICE), new PresenceView(new ActorRun().state, 0).bodyFor(ALICE, BOBS))
})

test('watcher information lists who watches, and once more who has gone (RFC 3858 section 4)', () => {
  const run = new ActorRun()
  const [bob, carol] = [
    subscribe(),
    subscribe({ watcher: [CAROL], policy: { decide: () => plainDecision('confirm') } }),
  ]
  run.do(bob)
  run.do(carol)
  run.do(subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE] }))
  run.nowMs += 10_000
  const { touched } = run.do(resubscribe(bob, { expiresSeconds: 0 }))
  const view = WinfoView.of(run.state, touched.ended)
  const info = readWatcherinfo(view.body(ALICE, 4, run.nowMs))
  assert.equal(info.version, 4)
  assert.deepEqual(info.watchers, [
    {
      id: carol.newTag,
      uri: CAROL,
      status: 'pending',
      event: 'subscribe',
      durationSubscribedSeconds: 10,
      expirationSeconds: 3_590,
    },
    { id: bob.newTag, uri: BOB, status: 'terminated', event: 'timeout', durationSubscribedSeconds: 10 },
  ])
  const later = WinfoView.of(run.state)
  const gone = (one: WinfoView): number =>
    readWatcherinfo(one.body(ALICE, 5, run.nowMs)).watchers.filter(({ status }) => status === 'terminated').length
  assert.equal(gone(later), 0)
  assert.equal(gone(later.replacing(view, 100)), 1, 'a view that replaces an untold one tells its gone ones')
})

test('a crowd of watchers is told in part, and counted', () => {
  const run = new ActorRun()
  for (let i = 0; i < 300; i++) run.do(subscribe())
  const view = WinfoView.of(run.state)
  assert.equal(view.omitted, 50)
  assert.ok(view.body(ALICE, 0, run.nowMs).length < 60_000)
})
