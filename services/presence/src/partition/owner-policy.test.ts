import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { listPolicy } from '@rollcall/policy'
import { PartitionLostError } from '../errors.ts'
import { ALICE, ALICE_TEL, BOB, CAROL, pidf, publish, resubscribe, subscribe } from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'
import type { CurrentPolicy } from './owner-context.ts'
import { decodeRecord } from './record-codec.ts'

const OPEN = { defaultAllow: true, allow: [] }

function blocking(revision: bigint, ...block: readonly Impu[]): CurrentPolicy {
  return { revision, policy: listPolicy({ ...OPEN, block }), impus: [ALICE, ALICE_TEL] }
}

/** Follows a promise without waiting for it. */
function follow(promise: Promise<void>): { state: 'pending' | 'done' | 'failed'; error: unknown } {
  const followed: { state: 'pending' | 'done' | 'failed'; error: unknown } = { state: 'pending', error: undefined }
  promise.then(
    () => {
      followed.state = 'done'
    },
    (error: unknown) => {
      followed.state = 'failed'
      followed.error = error
    },
  )
  return followed
}

test('a policy change holds when it is durable and no earlier owner can tell anything any more (decision 3)', async () => {
  const stage = new Stage()
  const { promise: sole, resolve: becomeSole } = Promise.withResolvers<void>()
  stage.sole = sole
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  stage.log.mode = 'hold'
  const change = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  await settled()
  assert.equal(change.state, 'pending', 'not durable')
  stage.log.acknowledge()
  await settled()
  assert.equal(change.state, 'pending', 'durable, but another owner may still tell')
  assert.deepEqual(
    stage.take().map(({ notice, body }) => [notice.ended, body]),
    [['rejected', '']],
    'the watcher hears of it at once',
  )
  becomeSole()
  await settled()
  assert.equal(change.state, 'done')
})

test('a change of which nobody is concerned waits all the same for what was decided before it', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.log.mode = 'hold'
  const first = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  const again = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  const lower = follow(owner.changePolicy(ALICE, blocking(1n)))
  await settled()
  assert.deepEqual([first.state, again.state, lower.state], ['pending', 'pending', 'pending'])
  stage.log.acknowledge()
  await settled()
  assert.deepEqual([first.state, again.state, lower.state], ['done', 'done', 'done'])
  assert.equal(owner.presentity(ALICE), undefined, 'the lower revision has let nobody in')
})

test('a crowd is decided anew in records of at most 1,000 changes, and all of it before the change holds', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  for (let n = 0; n < 2_500; n++) {
    stage.ask(owner, subscribe({ watcher: [`sip:watcher-${n}@ims.example.com` as Impu] }))
    if (n % 500 === 0) await settled()
  }
  await settled()
  await stage.pass(2_000)
  stage.take()
  const before = stage.log.kept.length
  const nobody = { revision: 2n, policy: listPolicy({ ...OPEN, defaultAllow: false, block: [] }), impus: [ALICE] }
  await owner.changePolicy(ALICE, nobody)
  const counts = stage.log.kept
    .slice(before)
    .map(({ record }) => decodeRecord(record))
    .flatMap((record) => (record.kind === 'decision' ? [record.changes.length] : []))
  assert.deepEqual(counts, [1_000, 1_000, 500])
  assert.equal(owner.presentity(ALICE), undefined)
})

test('a NOTIFY that waits in the hop may not leave once its watcher is blocked, before that is durable even', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  stage.take()
  stage.watchers = undefined
  stage.ask(owner, publish({ body: pidf('secret') }))
  await settled()
  const sent = stage.take()
  assert.deepEqual(
    sent.map(({ mayLeave }) => mayLeave()),
    [true, true],
  )
  stage.log.mode = 'hold'
  const change = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  assert.deepEqual(
    sent.map(({ notice, mayLeave }) => [notice.subscription.watcher[0], mayLeave()]),
    [
      [BOB, false],
      [CAROL, true],
    ],
  )
  sent[0]?.done('withdrawn')
  await settled()
  assert.equal(stage.sent.length, 0, 'nothing in its place before the change is durable')
  stage.log.acknowledge()
  await settled()
  assert.deepEqual(
    stage.take().map(({ notice, body, mayLeave }) => [notice.ended, body, mayLeave()]),
    [['rejected', '', true]],
  )
  assert.equal(change.state, 'done')
})

test('the last NOTIFY of a fetch that waits in the hop goes without content once its watcher is blocked', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  await settled()
  stage.watchers = undefined
  stage.ask(owner, subscribe({ expiresSeconds: 0 }))
  await settled()
  const [fetched] = stage.take()
  assert.ok(fetched)
  assert.ok(fetched.body.includes('secret') && fetched.mayLeave())
  const change = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  await settled()
  assert.equal(fetched.mayLeave(), false)
  assert.equal(change.state, 'pending', 'it may have left: its answer is waited for')
  fetched.done('withdrawn')
  await settled()
  assert.equal(change.state, 'done')
  assert.deepEqual(
    stage.take().map(({ notice, body, mayLeave }) => [notice.ended, body, mayLeave()]),
    [['rejected', '', true]],
  )
})

test('a last NOTIFY that was not sent yet goes without content once its watcher is blocked', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  await settled()
  const input = subscribe()
  stage.ask(owner, input)
  await settled()
  stage.take()
  stage.watchers = undefined
  stage.ask(owner, publish({ body: pidf('secret too') }))
  stage.ask(owner, resubscribe(input, { expiresSeconds: 0 }))
  await settled()
  const [underWay] = stage.take()
  const change = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  await settled()
  assert.equal(underWay?.mayLeave(), false)
  underWay?.done('withdrawn')
  await settled()
  assert.equal(change.state, 'done')
  assert.deepEqual(
    stage.take().map(({ notice, body }) => [notice.ended, body]),
    [['rejected', '']],
  )
})

test('a last NOTIFY whose record is not durable yet goes without content once its watcher is blocked', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish({ body: pidf('secret') }))
  const input = subscribe()
  stage.ask(owner, input)
  await settled()
  stage.take()
  stage.log.mode = 'hold'
  stage.ask(owner, resubscribe(input, { expiresSeconds: 0 }))
  const change = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  stage.log.acknowledge()
  await settled()
  assert.equal(change.state, 'done')
  assert.deepEqual(
    stage.take().map(({ notice, body }) => [notice.ended, body]),
    [['rejected', '']],
  )
})

test('a request that was under way when the policy changed is not decided by the one before', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  await owner.changePolicy(ALICE, blocking(2n, BOB))
  const stale = stage.ask(owner, subscribe(), { policy: blocking(1n) })
  assert.equal(stale.unavailable, 'policy-stale')
  const current = blocking(2n, BOB)
  const refused = stage.ask(owner, subscribe({ policy: current.policy }), { policy: current })
  assert.equal(refused.answer?.status, 403)
})

test('a change is not said to hold by an owner that is lost meanwhile, or whose store is away', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.log.isAvailable = false
  await assert.rejects(owner.changePolicy(ALICE, blocking(2n, BOB)), PartitionLostError)
  stage.log.isAvailable = true
  stage.ask(owner, subscribe())
  await settled()
  stage.log.mode = 'hold'
  const change = follow(owner.changePolicy(ALICE, blocking(3n, BOB)))
  stage.log.mode = 'acknowledge'
  await stage.own()
  await owner.lost
  await settled()
  assert.equal(change.state, 'failed')
  assert.ok(change.error instanceof PartitionLostError)
})

test('a change that waits for an earlier owner is not said to hold when the partition moves on', async () => {
  const stage = new Stage()
  stage.sole = new Promise(() => {})
  const owner = await stage.own()
  const change = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  await settled()
  await owner.release()
  await settled()
  assert.equal(change.state, 'failed')
})

test('a change does not wait for the answer of a watcher who is silent, but for a second', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.watchers = undefined
  stage.ask(owner, publish({ body: pidf('secret') }))
  await settled()
  const change = follow(owner.changePolicy(ALICE, blocking(2n, BOB)))
  await stage.pass(900)
  assert.equal(change.state, 'pending')
  await stage.pass(200)
  assert.equal(change.state, 'done')
})
