import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary } from '@rollcall/pidf'
import { BOB, CAROL, pidf, publish, resubscribe, subscribe } from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'

const notes = (body: string): readonly string[] => readPidfSummary(Buffer.from(body)).tuples.flatMap((one) => one.notes)

test('without a live lease nothing is told; the newest is, once a dialog, when it is live again (decision 3)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  stage.take()
  stage.lease.isLive = false
  for (const note of ['one', 'two', 'three']) {
    assert.equal(stage.ask(owner, publish({ body: pidf(note), newEntityTag: note })).unavailable, undefined)
  }
  await stage.pass(120_000)
  assert.equal(stage.sent.length, 0)
  stage.lease.isLive = true
  await stage.pass(2_000)
  assert.deepEqual(
    stage.take().map(({ notice, body }) => [notice.subscription.watcher[0], notes(body)]),
    [
      [BOB, ['one', 'two', 'three']],
      [CAROL, ['one', 'two', 'three']],
    ],
  )
})

test('without a live lease reads are refused, and publications accepted: the chain fences those', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const input = subscribe()
  stage.ask(owner, input)
  await settled()
  stage.lease.isLive = false
  assert.equal(owner.mayTell, false)
  const reads = [
    subscribe({ watcher: [CAROL] }),
    subscribe({ watcher: [CAROL], expiresSeconds: 0 }),
    subscribe({ eventPackage: 'presence.winfo', watcher: [BOB], isOwn: true }),
    resubscribe(input),
  ]
  for (const read of reads) assert.equal(stage.ask(owner, read).unavailable, 'lease-ended')
  const heard = stage.ask(owner, publish())
  await settled()
  assert.equal(heard.answer?.status, 200)
  stage.lease.isLive = true
  const later = stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  assert.equal(later.answer?.status, 200)
})

test('without a live lease nothing is refused for what is remembered here: a later owner may know better', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.lease.isLive = false
  const unknownTag = publish({ entityTag: 'of-a-later-owner' })
  assert.equal(stage.ask(owner, unknownTag).unavailable, 'lease-ended')
  stage.lease.isLive = true
  assert.equal(stage.ask(owner, unknownTag).answer?.status, 412)
})

test('without a live lease no dialog is called unknown: it may have begun with a later owner', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const key = { callId: 'of-a-later-owner', cseq: 2, branch: 'z9hG4bK2' }
  const heard: string[] = []
  const listener = { answer: () => void heard.push('answer'), unavailable: (why: string) => void heard.push(why) }
  stage.lease.isLive = false
  assert.equal(owner.answerUnknownDialog(key, listener), true)
  stage.lease.isLive = true
  assert.equal(owner.answerUnknownDialog(key, listener), false)
  assert.deepEqual(heard, ['lease-ended'])
})

test('a NOTIFY that waits in the hop may not leave when the lease ends; it goes again when it is live', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.watchers = undefined
  stage.ask(owner, subscribe())
  await settled()
  const [sent] = stage.take()
  assert.equal(sent?.mayLeave(), true)
  stage.lease.isLive = false
  assert.equal(sent?.mayLeave(), false)
  sent?.done('withdrawn')
  await stage.pass(10_000)
  assert.equal(stage.sent.length, 0)
  stage.watchers = 'delivered'
  stage.lease.isLive = true
  await settled()
  assert.equal(stage.take().length, 1, 'at once: that it could not leave was no failure of the watcher')
  await stage.pass(100_000)
  assert.equal(stage.sent.length, 0)
})

test('nothing of an owner leaves once it has ended, however it ended', async () => {
  for (const end of ['stop', 'drop', 'release'] as const) {
    const stage = new Stage()
    const owner = await stage.own()
    stage.watchers = undefined
    stage.ask(owner, subscribe())
    await settled()
    const [sent] = stage.take()
    const ended = owner[end]()
    await stage.pass(1_000)
    await ended
    assert.equal(sent?.mayLeave(), false, end)
    stage.ask(owner, publish())
    await stage.pass(5_000)
    assert.equal(stage.sent.length, 0, end)
  }
})

test('an owner that is handed over waits a moment for its NOTIFYs, so that the next one need not repeat them', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.watchers = undefined
  stage.ask(owner, subscribe())
  await settled()
  const [sent] = stage.take()
  const released = owner.release()
  await settled()
  sent?.done('delivered')
  await released
  await stage.own()
  assert.equal(stage.take().length, 0)
})

test('an owner begins to tell when its lease is live, not before', async () => {
  const stage = new Stage()
  const before = await stage.own()
  stage.watchers = undefined
  stage.ask(before, subscribe())
  await settled()
  before.stop()
  stage.take()
  stage.watchers = 'delivered'
  stage.lease.isLive = false
  await stage.own()
  await stage.pass(5_000)
  assert.equal(stage.sent.length, 0)
  stage.lease.isLive = true
  await settled()
  assert.equal(stage.take().length, 1)
})
