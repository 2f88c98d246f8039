import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary } from '@rollcall/pidf'
import { PartitionLostError } from '../errors.ts'
import { ALICE, ALICE_TEL, BOB, CAROL, registration, subscribe } from '../testing/inputs.ts'
import { type SentNotify, Stage, settled } from '../testing/stage.ts'

function basics(sent: readonly SentNotify[]): string[] {
  return sent.map(({ body }) =>
    readPidfSummary(Buffer.from(body))
      .tuples.map(({ basic }) => basic)
      .join(),
  )
}

test('watchers are told when the presentity registers and when that ends, and of no refresh (TS 24.229 clause 5.4.1.7)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  assert.deepEqual(basics(stage.take()), ['closed'])
  const at = (): number => stage.clock.now()
  assert.equal(stage.ask(owner, registration({ toldAtMs: at() })).answer, undefined, 'durable before the 200')
  await settled()
  assert.deepEqual(basics(stage.take()), ['open'])
  stage.ask(owner, registration({ toldAtMs: at(), expiresSeconds: 120 }))
  await settled()
  assert.deepEqual(stage.take(), [])
  stage.ask(owner, registration({ toldAtMs: at(), expiresSeconds: 0 }))
  await settled()
  assert.deepEqual(basics(stage.take()), ['closed'])
  stage.ask(owner, registration({ toldAtMs: at(), expiresSeconds: 120 }))
  await settled()
  stage.take()
  // And when it runs out, without a word of the S-CSCF.
  await stage.pass(121_000)
  assert.deepEqual(basics(stage.take()), ['closed'])
})

test('the next owner knows who is registered, from the log and from a snapshot alike', async () => {
  for (const isSnapshot of [false, true]) {
    const stage = new Stage()
    const owner = await stage.own()
    stage.ask(owner, registration({ toldAtMs: stage.clock.now() }))
    stage.ask(owner, subscribe())
    await settled()
    if (isSnapshot) {
      stage.log.wantsSnapshot = true
      await stage.pass(1_000)
      assert.ok(stage.log.snapshot)
    }
    owner.drop()
    const next = await stage.own()
    assert.equal(next.presentity(ALICE)?.registration?.isRegistered, true)
    stage.take()
    await stage.pass(3_700_000)
    assert.equal(next.presentity(ALICE)?.registration?.isRegistered ?? false, false)
  }
})

test('what a watcher subscribed to ends wherever it is, when that is durable, without a NOTIFY to it', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  stage.ask(owner, subscribe({ resource: CAROL }), { presentity: CAROL })
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE, ALICE_TEL] }))
  await settled()
  stage.take()
  const appends = stage.log.kept.length
  const ended = owner.endWatcher([BOB], stage.clock.now())
  assert.equal(await ended, 2)
  assert.equal(stage.log.kept.length, appends + 3, 'two ends, and what proves that the partition is ours')
  await settled()
  assert.equal(owner.size.subscriptions, 2)
  const [winfo, ...more] = stage.take()
  assert.match(
    winfo?.body ?? '',
    /status="terminated"[^>]*event="deactivated"|event="deactivated"[^>]*status="terminated"/,
  )
  assert.deepEqual(more, [])
  // Once more, as after an answer that was lost: nothing is left, and that is durable too.
  assert.equal(await owner.endWatcher([BOB], stage.clock.now()), 0)
  // By any of its names.
  assert.equal(await owner.endWatcher([ALICE_TEL, ALICE], stage.clock.now()), 1)
})

test('what a watcher subscribed to after its registration ended stays (a REGISTER that comes late)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  const goneAtMs = stage.clock.now()
  await stage.pass(1_000)
  const renewed = subscribe()
  stage.ask(owner, renewed)
  await settled()
  assert.equal(await owner.endWatcher([BOB], goneAtMs), 1)
  assert.deepEqual([...(owner.presentity(ALICE)?.subscriptions.keys() ?? [])], [renewed.newTag])
})

test('an end that is not durable is none: who waits for it hears that the partition is lost', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  const log = stage.log
  log.mode = 'hold'
  const ended = owner.endWatcher([BOB], stage.clock.now())
  await settled()
  owner.drop()
  await assert.rejects(ended, PartitionLostError)
  await assert.rejects(owner.endWatcher([BOB], stage.clock.now()), PartitionLostError)
})
