import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readWatcherinfo } from '@rollcall/pidf'
import { plainDecision } from '@rollcall/policy'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, BOB, CAROL, resubscribe, subscribe } from '../testing/inputs.ts'
import { WinfoView } from './winfo-view.ts'

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
  const view = WinfoView.of(run.state, touched)
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

test('a partial document has whoever stands there otherwise than he was told (RFC 3858 section 4)', () => {
  const run = new ActorRun()
  const [bob, carol] = [subscribe(), subscribe({ watcher: [CAROL] })]
  run.do(bob)
  const { told } = WinfoView.of(run.state)
  run.do(carol)
  run.do({ kind: 'policy', policy: { decide: () => plainDecision('confirm') }, impus: [ALICE] })
  const read = (view: WinfoView) => {
    const { state, watchers } = readWatcherinfo(view.body(ALICE, 1, run.nowMs, told))
    return [state, watchers.map(({ uri, status }) => `${uri} ${status}`)]
  }
  assert.deepEqual(read(WinfoView.of(run.state)), ['partial', [`${BOB} pending`, `${CAROL} pending`]])
  const kept = run.state.subscriptions.get(bob.newTag) ?? assert.fail()
  run.state.subscriptions.set({ ...kept, isHidden: true, handling: 'allow' })
  assert.deepEqual(read(WinfoView.of(run.state)), [
    'partial',
    ['sip:anonymous@anonymous.invalid active', `${CAROL} pending`],
  ])
  run.state.subscriptions.delete(bob.newTag)
  assert.deepEqual(read(WinfoView.of(run.state)), ['full', [`${CAROL} pending`]], 'nobody says what became of bob')
})
