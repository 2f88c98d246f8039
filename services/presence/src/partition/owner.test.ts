import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readPidfSummary, readWatcherinfo } from '@rollcall/pidf'
import { listPolicy } from '@rollcall/policy'
import { StoreOverloadedError } from '@rollcall/store'
import {
  ALICE,
  ALICE_TEL,
  BOB,
  CAROL,
  freshTag,
  MALLORY,
  NO_BODY,
  pidf,
  publish,
  resubscribe,
  subscribe,
} from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'

const notes = (body: string): readonly string[] => readPidfSummary(Buffer.from(body)).tuples.flatMap((one) => one.notes)

test('no answer and no NOTIFY leaves before its record is durable (decision 002)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  stage.log.mode = 'hold'
  const heard = stage.ask(owner, publish({ body: pidf('held') }))
  await stage.pass(2_000)
  assert.deepEqual([heard.answer, stage.sent.length], [undefined, 0])
  stage.log.acknowledge()
  await settled()
  assert.equal(heard.answer?.status, 200)
  assert.deepEqual(
    stage.sent.map(({ body }) => notes(body)),
    [['held']],
  )
})

test('a NOTIFY shows its own record, not what is not durable yet', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  stage.log.mode = 'hold'
  stage.ask(owner, publish({ newEntityTag: 'e1', body: pidf('first') }))
  stage.log.acknowledge()
  stage.ask(owner, publish({ entityTag: 'e1', body: pidf('second') }))
  await settled()
  assert.deepEqual(
    stage.sent.map(({ body }) => notes(body)),
    [['first']],
  )
})

test('a request that comes again while its record is under way is decided once and answered twice', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.log.mode = 'hold'
  const [one, two] = [publish(), publish()].map((input) => stage.ask(owner, input, { key: 'same' }))
  stage.log.acknowledge()
  await settled()
  assert.equal(one?.answer?.status, 200)
  assert.deepEqual(two?.answer, one?.answer)
  assert.equal(owner.presentity(ALICE)?.publications.size, 1)
})

test('a retransmission across a crash makes nothing twice: the new owner gives the old answer (decision 1)', async () => {
  const stage = new Stage()
  const before = await stage.own()
  const publication = stage.ask(before, publish({ newEntityTag: 'e1' }), { key: 'p' })
  const input = subscribe()
  const subscription = stage.ask(before, input, { key: 's' })
  stage.ask(before, resubscribe(input, { expiresSeconds: 0 }), { key: 'u' })
  await settled()
  before.stop()
  const after = await stage.own()
  const again = [stage.ask(after, publish(), { key: 'p' }), stage.ask(after, subscribe(), { key: 's' })]
  assert.deepEqual(again[0]?.answer, publication.answer)
  assert.deepEqual(again[1]?.answer, subscription.answer)
  assert.equal(after.presentity(ALICE)?.publications.size, 1)
  assert.equal(after.presentity(ALICE)?.subscriptions.size, 0)
  const heard: number[] = []
  const listener = { answer: ({ status }: { status: number }) => void heard.push(status), unavailable: () => {} }
  assert.ok(after.replay({ callId: 'call', cseq: 1, branch: 'u' }, listener))
  assert.deepEqual(heard, [200], 'also where the subscription is gone')
})

test('while the log is away nothing is decided (decision 002)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.log.isAvailable = false
  const heard = stage.ask(owner, publish())
  assert.equal(heard.unavailable, 'store-away')
  assert.equal(owner.presentity(ALICE), undefined)
  stage.log.isAvailable = true
  const later = stage.ask(owner, publish())
  await settled()
  assert.equal(later.answer?.status, 200)
})

test('an append whose outcome stays open is refused for now; when it has landed, its watchers are told', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  stage.log.mode = 'hold'
  const heard = stage.ask(owner, publish({ body: pidf('open'), newEntityTag: 'e1' }), { key: 'p' })
  stage.log.isAvailable = false
  stage.log.loseAnswers()
  await settled()
  assert.equal(heard.unavailable, 'store-away')
  assert.equal(stage.ask(owner, publish(), { key: 'p' }).unavailable, 'store-away')
  stage.log.mode = 'acknowledge'
  stage.log.isAvailable = true
  await stage.pass(1_000)
  assert.deepEqual(
    stage.take().map(({ body }) => notes(body)),
    [['open']],
  )
  assert.equal(stage.ask(owner, publish(), { key: 'p' }).answer?.status, 200)
  assert.equal(owner.presentity(ALICE)?.publications.size, 1)
})

test('what was left open is told before what is newer, and the newest last', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  stage.log.mode = 'hold'
  stage.ask(owner, publish({ body: pidf('open'), newEntityTag: 'e1' }))
  stage.ask(owner, publish({ entityTag: 'e1', body: pidf('open, too'), newEntityTag: 'e2' }))
  stage.log.loseAnswers()
  await settled()
  stage.log.mode = 'acknowledge'
  stage.watchers = undefined
  const heard = stage.ask(owner, publish({ entityTag: 'e2', body: pidf('newest') }))
  await settled()
  assert.equal(heard.answer?.status, 200)
  const [first, ...more] = stage.take()
  assert.deepEqual([notes(first?.body ?? ''), more.length], [['open'], 0])
  stage.watchers = 'delivered'
  first?.done('delivered')
  await stage.pass(3_000)
  assert.deepEqual(
    stage.take().map(({ body }) => notes(body)),
    [['newest']],
  )
})

test('where nothing was written, memory is not kept: the partition is loaded again', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.log.refusal = new StoreOverloadedError('3')
  const heard = stage.ask(owner, publish())
  assert.ok((await owner.lost) instanceof StoreOverloadedError)
  assert.equal(heard.unavailable, 'partition-lost')
  assert.equal(stage.ask(owner, publish()).unavailable, 'partition-lost')
  const again = await stage.own()
  assert.equal(again.presentity(ALICE), undefined)
})

test('a partition that somebody else took is dropped: nothing is answered or told any more', async () => {
  const stage = new Stage()
  const before = await stage.own()
  stage.ask(before, subscribe())
  await settled()
  stage.watchers = undefined
  stage.take()
  const after = await stage.own()
  stage.take()
  await before.lost
  const heard = stage.ask(before, publish())
  assert.equal(heard.unavailable, 'partition-lost')
  await stage.pass(5_000)
  assert.equal(stage.sent.length, 0)
  assert.ok(after.isAvailable)
})

test('what runs out is ended by the owner, with a record and NOTIFYs (ARCHITECTURE, decision 4)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe({ expiresSeconds: 120 }))
  stage.ask(owner, publish({ expiresSeconds: 60 }))
  await stage.pass(3_000)
  stage.take()
  await stage.pass(60_000)
  const closed = stage.take()
  assert.deepEqual(
    closed.map(({ body }) => readPidfSummary(Buffer.from(body)).tuples[0]?.basic),
    ['closed'],
  )
  await stage.pass(60_000)
  assert.deepEqual(
    stage.take().map(({ notice }) => notice.ended),
    ['timeout'],
  )
  assert.equal(owner.presentity(ALICE), undefined)
  assert.deepEqual((await stage.own()).presentity(ALICE), undefined)
})

test('what ran out while nobody owned the partition is told by the next owner, closed at once', async () => {
  const stage = new Stage()
  const before = await stage.own()
  stage.ask(before, subscribe())
  stage.ask(before, publish({ expiresSeconds: 60, body: pidf('old') }))
  await stage.pass(3_000)
  before.stop()
  stage.take()
  stage.clock.advance(100_000)
  await stage.own()
  const [only, ...more] = stage.take()
  assert.equal(more.length, 0)
  assert.equal(readPidfSummary(Buffer.from(only?.body ?? '')).tuples[0]?.basic, 'closed')
})

test('after a restart only those hear something whose state changed since the watermark (readings, Store 3)', async () => {
  const stage = new Stage()
  const before = await stage.own()
  stage.ask(before, subscribe(), {})
  stage.ask(before, subscribe({ watcher: [CAROL], resource: BOB }), { presentity: BOB })
  await stage.pass(3_000)
  const told = stage.take()
  assert.equal(told.length, 2)
  stage.watchers = undefined
  stage.ask(before, publish({ body: pidf('untold') }))
  await stage.pass(3_000)
  before.stop()
  stage.take()
  await stage.own()
  assert.deepEqual(
    stage.take().map(({ notice, body }) => [notice.presentity, ...notes(body)]),
    [[ALICE, 'untold']],
  )
})

test('who was out of reach is told by the next owner, and holds up nobody else', async () => {
  const stage = new Stage()
  const before = await stage.own()
  const [bob, carol] = [subscribe(), subscribe({ watcher: [CAROL] })]
  stage.watchers = undefined
  stage.ask(before, bob)
  stage.ask(before, carol)
  await settled()
  for (const { notice, done } of stage.take()) {
    done(notice.subscription.id === bob.newTag ? 'unreachable' : 'delivered')
  }
  await stage.pass(900)
  await stage.pass(200)
  before.stop()
  stage.take()
  await stage.own()
  assert.deepEqual(
    stage.take().map(({ notice }) => notice.subscription.id),
    [bob.newTag],
  )
})

test("a subscription's last NOTIFY survives the crash of its owner", async () => {
  const stage = new Stage()
  const before = await stage.own()
  stage.watchers = undefined
  stage.ask(before, subscribe({ expiresSeconds: 0 }))
  await settled()
  before.stop()
  assert.equal(stage.take().length, 1)
  stage.watchers = 'delivered'
  const after = await stage.own()
  assert.deepEqual(
    stage.take().map(({ notice, body }) => [notice.ended, body]),
    [['timeout', '']],
    'without a document: the watcher may have been blocked after it had left',
  )
  await stage.pass(2_000)
  after.stop()
  await stage.own()
  assert.equal(stage.take().length, 0)
})

test('CSeqs of NOTIFYs leap with each owner and grow by one within (ARCHITECTURE, decision 4)', async () => {
  const stage = new Stage()
  let owner = await stage.own()
  const input = subscribe()
  const seen: number[] = []
  stage.ask(owner, input)
  for (let owners = 0; owners < 3; owners++) {
    for (let i = 0; i < 2; i++) {
      stage.ask(owner, publish({ expiresSeconds: 3_600, body: pidf(freshTag()) }))
      await stage.pass(1_100)
    }
    seen.push(...stage.take().map(({ cseq }) => cseq))
    owner.stop()
    owner = await stage.own()
  }
  assert.deepEqual(seen, [1, 2, 3, 65_537, 65_538, 131_073, 131_074])
  stage.ask(owner, resubscribe(input, { cseq: 9 }))
  await stage.pass(1_100)
  assert.deepEqual(
    stage.take().map(({ cseq }) => cseq),
    [196_609],
  )
  owner.stop()
  owner = await stage.own()
  stage.ask(owner, publish())
  await settled()
  const [next] = stage.take()
  assert.equal(next?.cseq, 196_608 + 65_537, 'a refresh moves the base to where the CSeqs are')
})

test('a policy that blocks counts before the next content leaves', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  await settled()
  stage.take()
  const policy = {
    revision: 2n,
    policy: listPolicy({ defaultAllow: true, allow: [], block: [BOB] }),
    impus: [ALICE, ALICE_TEL],
  } as const
  stage.ask(owner, publish({ body: pidf('secret') }), { policy })
  await settled()
  const sent = stage.take()
  assert.deepEqual(
    sent.map(({ notice, body }) => [notice.subscription.watcher[0], notice.ended, body.includes('secret')]),
    [
      [BOB, 'rejected', false],
      [CAROL, undefined, true],
    ],
  )
})

test('watcher information tells who comes and who has gone (RFC 3857 section 4.7)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE] }))
  await settled()
  const input = subscribe()
  stage.ask(owner, input)
  await settled()
  stage.ask(owner, subscribe({ watcher: [MALLORY] }))
  await settled()
  stage.ask(owner, resubscribe(input, { expiresSeconds: 0 }))
  await settled()
  const documents = stage
    .take()
    .filter(({ notice }) => notice.subscription.eventPackage === 'presence.winfo')
    .map(({ body }) => readWatcherinfo(Buffer.from(body)))
  assert.deepEqual(
    documents.map(({ version, watchers }) => [
      version,
      ...watchers.map(({ uri, status, event }) => `${uri} ${status} ${event}`),
    ]),
    [[0], [1, `${BOB} active subscribe`], [2, `${MALLORY} terminated rejected`], [3, `${BOB} terminated timeout`]],
  )
})

test('a dialog that is gone ends its subscription, in memory and in the log (readings, Presence 1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.watchers = 'gone'
  stage.ask(owner, subscribe())
  await settled()
  assert.deepEqual(stage.ended, ['gone'])
  assert.equal(owner.presentity(ALICE), undefined)
  owner.stop()
  assert.equal((await stage.own()).presentity(ALICE), undefined)
})

test('a watcher out of reach for too long gives up its subscription (readings, Presence 1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.watchers = 'unreachable'
  stage.ask(owner, subscribe())
  await stage.pass(290_000)
  assert.equal(owner.presentity(ALICE)?.subscriptions.size, 1)
  await stage.pass(80_000)
  assert.deepEqual(stage.ended, ['giveup'])
  assert.equal(owner.presentity(ALICE), undefined)
})

test('a refresh changes nothing that others see', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, subscribe())
  stage.ask(owner, publish({ newEntityTag: 'e1' }))
  await settled()
  stage.take()
  stage.ask(owner, publish({ entityTag: 'e1', body: NO_BODY, contentType: undefined }))
  await settled()
  assert.equal(stage.sent.length, 0)
})
