import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImpi } from '@rollcall/core'
import { listPolicy, type PresencePolicy, plainDecision, type SubHandling } from '@rollcall/policy'
import { ActorRun } from '../testing/actor-run.ts'
import { ALICE, ALICE_TEL, BOB, CAROL, MALLORY, publish, resubscribe, subscribe } from '../testing/inputs.ts'
import { dialogOf } from './state.ts'

const says = (handling: SubHandling): PresencePolicy => ({ decide: () => plainDecision(handling) })

test('a watcher whom the policy allows gets a dialog and is told (RFC 6665 section 4.2.1)', () => {
  const run = new ActorRun()
  const input = subscribe()
  const { decision, touched } = run.do(input)
  assert.equal(decision.answer?.status, 200)
  assert.deepEqual(decision.answer?.headers, [
    ['Record-Route', '<sip:term@scscf.ims.example.com;lr>'],
    ['Contact', '<sip:presence-3@presence.ims.example.com>'],
    ['Expires', '3600'],
  ])
  assert.deepEqual([...touched.subscriptions], [input.newTag])
  assert.ok(touched.winfo)
  assert.equal(decision.handling, 'allow')
})

test('a blocked watcher gets 403 and leaves no trace (readings, Presence 3)', () => {
  const run = new ActorRun()
  run.do(subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE] }))
  const { decision, touched } = run.do(subscribe({ watcher: [MALLORY] }))
  assert.deepEqual([decision.answer?.status, decision.refusal, decision.handling], [403, 'policy-block', 'block'])
  assert.deepEqual(decision.changes, [])
  assert.ok(!touched.winfo)
})

const PROOF = { impi: parseImpi('bob@ims.example.com'), algorithm: 'SHA-256' } as const

test('a watcher without asserted identity is asked who he is, whatever he asks for (RFC 3856 section 6.6.1)', () => {
  for (const eventPackage of ['presence', 'presence.winfo', 'xcap-diff'] as const) {
    for (const isHidden of [false, true]) {
      const { decision } = new ActorRun().do(subscribe({ eventPackage, watcher: [], isHidden, policy: says('allow') }))
      assert.deepEqual([decision.answer?.status, decision.refusal], [401, 'watcher-unproved'])
      assert.deepEqual([decision.changes, decision.handling], [[], undefined])
    }
  }
})

test('who hides is asked who he is where he is blocked without a name, and nowhere else', () => {
  const hidden = (handling: SubHandling): number | undefined =>
    new ActorRun().status(subscribe({ isHidden: true, policy: says(handling) }))
  assert.deepEqual([hidden('block'), hidden('confirm'), hidden('polite-block'), hidden('allow')], [401, 200, 200, 200])
  const proved = subscribe({ isHidden: true, proof: PROOF, policy: says('block') })
  assert.equal(new ActorRun().status(proved), 403, 'he has nothing more to prove')
})

test('who proved who he is is known by that when the rules change, and when he refreshes (RFC 5025 section 3.1.1)', () => {
  const run = new ActorRun()
  const bob = listPolicy({ defaultAllow: false, allow: [BOB], block: [] })
  const input = subscribe({ watcher: [BOB], isHidden: true, proof: PROOF, policy: bob })
  assert.equal(run.status(input), 200)
  assert.deepEqual(run.do({ kind: 'policy', policy: bob, impus: [ALICE] }).decision.changes, [])
  const { decision } = run.do(resubscribe(input, { watcher: [], cseq: 2 }))
  assert.deepEqual([decision.answer?.status, decision.refusal], [401, 'watcher-unproved'], 'nobody says who that is')
  assert.equal(run.status(resubscribe(input, { watcher: [MALLORY], cseq: 2 })), 403)
  assert.equal(run.status(resubscribe(input, { watcher: [BOB], cseq: 2 })), 200)
  assert.equal(run.status(resubscribe(subscribe(), { watcher: [] })), 481)
  const block = listPolicy({ defaultAllow: true, allow: [], block: [BOB] })
  const { touched } = run.do({ kind: 'policy', policy: block, impus: [ALICE] })
  assert.deepEqual(
    touched.ended.map(({ reason }) => reason),
    ['rejected'],
  )
})

test('watcher information is for the presentity alone (RFC 3857 section 4.6, readings, Presence 2)', () => {
  const run = new ActorRun()
  assert.equal(run.status(subscribe({ eventPackage: 'presence.winfo', watcher: [BOB] })), 403)
  const own = run.do(subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE_TEL], isOwn: true }))
  assert.equal(own.decision.answer?.status, 200)
  assert.ok(!own.touched.winfo, 'nobody watches the watchers of watchers')
})

test('a presentity may always watch itself', () => {
  assert.equal(new ActorRun().status(subscribe({ watcher: [ALICE], policy: says('block') })), 200)
})

test('a fetch is one NOTIFY and no subscription (RFC 6665 section 4.4.3)', () => {
  const run = new ActorRun()
  const { decision, touched } = run.do(subscribe({ expiresSeconds: 0 }))
  assert.equal(decision.answer?.status, 200)
  assert.equal(run.state.subscriptions.size, 0)
  assert.equal(touched.subscriptions.size, 0)
  assert.deepEqual(
    touched.ended.map(({ reason, silent }) => ({ reason, silent })),
    [{ reason: 'timeout', silent: false }],
  )
})

test('confirm waits, polite-block hides, and a later yes is told (RFC 5025 section 3.2.1, RFC 3857 section 4.7.1)', () => {
  const run = new ActorRun()
  const bob = subscribe({ policy: says('confirm') })
  const carol = subscribe({ watcher: [CAROL], policy: says('polite-block') })
  run.do(bob)
  run.do(carol)
  assert.equal(run.state.subscriptions.get(bob.newTag)?.handling, 'confirm')
  assert.equal(run.state.subscriptions.get(carol.newTag)?.handling, 'polite-block')
  const { touched } = run.do({ kind: 'policy', policy: says('allow'), impus: [ALICE] })
  assert.deepEqual([...touched.subscriptions], [bob.newTag, carol.newTag])
  assert.ok(touched.winfo)
  assert.equal(run.state.subscriptions.get(bob.newTag)?.watcherEvent, 'approved')
  assert.equal(run.state.subscriptions.get(carol.newTag)?.watcherEvent, 'subscribe')
})

test('a policy that blocks ends what it blocks, and nothing else', () => {
  const run = new ActorRun()
  const [bob, own, winfo] = [
    subscribe(),
    subscribe({ watcher: [ALICE] }),
    subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE] }),
  ]
  for (const input of [bob, own, winfo]) run.do(input)
  const { touched } = run.do({ kind: 'policy', policy: says('block'), impus: [ALICE, ALICE_TEL] })
  assert.deepEqual(
    touched.ended.map(({ subscription, reason }) => [subscription.id, reason]),
    [[bob.newTag, 'rejected']],
  )
  assert.deepEqual([...run.state.subscriptions.keys()], [own.newTag, winfo.newTag])
  assert.equal(run.do({ kind: 'policy', policy: says('block'), impus: [ALICE] }).decision.changes.length, 0)
})

test('refuses what a watcher cannot take, and intervals too brief (RFC 6665 section 4.2.1.1)', () => {
  const run = new ActorRun()
  assert.equal(run.status(subscribe({ accept: ['text/plain'] })), 406)
  assert.equal(run.status(subscribe({ accept: ['application/xpidf+xml', 'application/*'] })), 200)
  assert.equal(run.status(subscribe({ accept: ['*/*'] })), 200)
  assert.equal(run.status(subscribe({ accept: ['application/watcherinfo+xml'] })), 406)
  assert.equal(run.status(subscribe({ expiresSeconds: 1 })), 423)
  assert.equal(run.do(subscribe({ expiresSeconds: 1e6 })).decision.answer?.headers[2]?.[1], '86400')
})

test('a refresh in the dialog prolongs and is told; one out of order is refused (RFC 6665 section 4.2.1.2)', () => {
  const run = new ActorRun()
  const input = subscribe({ expiresSeconds: 60 })
  run.do(input)
  run.nowMs += 30_000
  const target = 'sip:bob@127.0.1.3:25064'
  const { touched } = run.do(resubscribe(input, { cseq: 5, expiresSeconds: 120, remoteTarget: target }))
  const after = run.state.subscriptions.get(input.newTag)
  assert.ok(after)
  assert.deepEqual([...touched.subscriptions], [input.newTag])
  assert.ok(!touched.winfo, 'a refresh is no event for watcher information (RFC 3857 section 4.7.1)')
  assert.equal(after.expiresAtMs, run.nowMs + 120_000)
  assert.deepEqual(dialogOf(after), { ...input.dialog, remoteCseq: 5, remoteTarget: target })
  assert.equal(run.status(resubscribe(input, { cseq: 5 })), 500)
  assert.equal(run.status(resubscribe(input, { cseq: 4 })), 500)
})

test('an unknown dialog, another package or another id is 481 (RFC 6665 section 4.2.1.2)', () => {
  const run = new ActorRun()
  const input = subscribe({ eventId: '1' })
  run.do(input)
  assert.equal(run.status(resubscribe(input, { subscriptionId: 'other' })), 481)
  assert.equal(run.status(resubscribe(input, { callId: 'other' })), 481)
  assert.equal(run.status(resubscribe(input, { remoteTag: 'other' })), 481)
  assert.equal(run.status(resubscribe(input, { eventId: '' })), 481)
  assert.equal(run.status(resubscribe(input, { eventPackage: 'presence.winfo' })), 481)
  assert.equal(run.status(resubscribe(input)), 200)
})

test("knowing a dialog's tags does not make it yours", () => {
  const run = new ActorRun()
  const input = subscribe()
  run.do(input)
  const { decision } = run.do(resubscribe(input, { watcher: [MALLORY], remoteTarget: 'sip:mallory@127.0.1.5' }))
  assert.deepEqual([decision.answer?.status, decision.refusal], [403, 'foreign-watcher'])
  const kept = run.state.subscriptions.get(input.newTag)
  assert.deepEqual(kept && dialogOf(kept), input.dialog)
})

test('a watcher blocked meanwhile is refused at the refresh and told that it is over', () => {
  const run = new ActorRun()
  const input = subscribe()
  run.do(input)
  const { decision, touched } = run.do(resubscribe(input, { policy: says('block') }))
  assert.equal(decision.answer?.status, 403)
  assert.deepEqual(
    touched.ended.map(({ reason, silent }) => ({ reason, silent })),
    [{ reason: 'rejected', silent: false }],
  )
})

test('unsubscribing ends the subscription with a last NOTIFY to where the watcher is now (RFC 6665 section 4.2.1.2)', () => {
  const run = new ActorRun()
  const input = subscribe()
  run.do(input)
  const leave = resubscribe(input, { expiresSeconds: 0, remoteTarget: 'sip:new@127.0.1.3', policy: undefined })
  const { decision, touched } = run.do(leave)
  assert.equal(decision.answer?.status, 200)
  assert.equal(run.state.subscriptions.size, 0)
  const [ended] = touched.ended
  assert.equal(ended && dialogOf(ended.subscription).remoteTarget, 'sip:new@127.0.1.3')
})

test('subscriptions run out with a NOTIFY each, a thousand a record', () => {
  const run = new ActorRun()
  for (let i = 0; i < 1_500; i++) run.do(subscribe({ expiresSeconds: 60 }))
  run.nowMs += 60_000
  assert.equal(run.do({ kind: 'expire' }).touched.ended.length, 1_000)
  assert.equal(run.do({ kind: 'expire' }).touched.ended.length, 500)
  assert.equal(run.do({ kind: 'expire' }).decision.changes.length, 0)
})

test('the subscription after ten thousand is one too many for now (readings, SIP hop 9)', () => {
  const run = new ActorRun()
  for (let i = 0; i < 10_000; i++) run.do(subscribe())
  const { decision } = run.do(subscribe())
  assert.deepEqual([decision.answer?.status, decision.refusal], [503, 'subscriptions-full'])
})

test('a dialog that is gone ends in silence, one that nobody answers gives up', () => {
  const run = new ActorRun()
  const input = subscribe()
  run.do(input)
  run.do(publish())
  const { touched } = run.do({ kind: 'end', subscriptionId: input.newTag, reason: 'timeout', silent: true })
  assert.equal(touched.ended[0]?.silent, true)
  assert.ok(touched.winfo)
  const again = run.do({ kind: 'end', subscriptionId: input.newTag, reason: 'giveup', silent: true })
  assert.equal(again.decision.changes.length, 0)
})
