import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { readPidfSummary } from '@rollcall/pidf'
import { dialogOf, type Subscription } from '../actor/state.ts'
import { identityOf } from '../actor/subscribe.ts'
import { ALICE, BOB, CAROL, NO_BODY, publish } from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'
import type { SnapshotRecord } from './log-record.ts'
import { decodeRecord } from './record-codec.ts'

/*
 * corpus/ holds records as earlier releases wrote them, a file for each format: records-*.jsonl one of each kind with what
 * it reads as, log-*.jsonl a partition's log in order, snapshot-*.jsonl a partition's snapshot. A file is never changed:
 * what was written once stays readable. A new format gets new files.
 */

interface Line {
  /** Base64. */
  readonly octets: string
  readonly reads?: unknown
  readonly traceparent?: string
}

function corpus(name: string): Line[] {
  const path = fileURLToPath(new URL(`../../corpus/${name}`, import.meta.url))
  const revive = (_: string, value: unknown): unknown => {
    const { $bigint, $octets } = (value ?? {}) as { readonly $bigint?: string; readonly $octets?: string }
    if ($bigint !== undefined) return BigInt($bigint)
    return $octets === undefined ? value : Buffer.from($octets, 'base64')
  }
  const lines = readFileSync(path, 'utf8').trim().split('\n')
  return lines.map((line) => JSON.parse(line, revive) as Line)
}

const octetsOf = ({ octets }: Line): Buffer => Buffer.from(octets, 'base64')

/** JSON knows no `undefined`. */
function withoutAbsent(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutAbsent)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  const present = Object.entries(value).filter(([, part]) => part !== undefined)
  return Object.fromEntries(present.map(([key, part]) => [key, withoutAbsent(part)]))
}

/** What a format did not have yet reads as it was then: nobody hid, or watched itself by another name. */
function withLater(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withLater)
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value
  const parts = Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withLater(part)]))
  return 'watcher' in parts && 'handling' in parts ? { isHidden: false, isOwn: false, ...parts } : parts
}

test('each record of formats 1, 3, 5 and 7 reads as it did when it was written', () => {
  for (const name of ['records-v1.jsonl', 'records-v3.jsonl', 'records-v5.jsonl', 'records-v7.jsonl']) {
    for (const line of corpus(name)) {
      assert.deepEqual(withoutAbsent(decodeRecord(octetsOf(line))), withLater(line.reads), name)
    }
  }
})

test('a log of format 1 loads: everything is there, and who was out of reach is told', async () => {
  const stage = new Stage()
  stage.log.kept = corpus('log-v1.jsonl').map((line, at) => ({
    sequence: BigInt(at + 1),
    epoch: 1n,
    record: octetsOf(line),
    traceparent: line.traceparent,
  }))
  stage.clock.advance(80_000)
  const owner = await stage.own()
  const state = owner.presentity(ALICE)
  assert.deepEqual(
    [...(state?.publications.values() ?? [])].map(({ entityTag, number }) => [entityTag, number]),
    [['etag-5', 1]],
  )
  const subscriptions: readonly Subscription[] = [...(state?.subscriptions.values() ?? [])]
  assert.deepEqual(
    subscriptions.map((one) => [one.id, one.eventPackage, one.eventId, one.watcher, dialogOf(one).remoteTarget]),
    [
      ['bob', 'presence', '7', [BOB], 'sip:bob@127.0.1.4:15064'],
      ['alice', 'presence.winfo', '', [ALICE], 'sip:bob@127.0.1.3:15064'],
    ],
  )
  assert.equal(dialogOf(subscriptions[0] as Subscription).remoteCseq, 5)
  assert.deepEqual(
    stage
      .take()
      .map(({ notice, cseq, body }) => [
        notice.subscription.id,
        cseq,
        readPidfSummary(Buffer.from(body)).tuples.length,
      ]),
    [['bob', 65_537 + 65_536, 1]],
    'CSeqs go on a stride higher',
  )
  const again = stage.ask(owner, publish(), { key: 'z9hG4bK-publish-6' })
  assert.equal(again.answer?.headers[0]?.[1], 'etag-5', 'a retransmission gets the old answer')
  const modified = stage.ask(owner, publish({ entityTag: 'etag-5', newEntityTag: 'etag-6', body: NO_BODY }))
  await settled()
  assert.equal(modified.answer?.status, 200)
})

test('a snapshot of format 2 loads: everything is there, and who was not told is told', async () => {
  const stage = new Stage()
  stage.log.snapshot = { mark: 30n, records: corpus('snapshot-v2.jsonl').map(octetsOf) }
  stage.clock.advance(80_000)
  const owner = await stage.own()
  assert.deepEqual(owner.size, { presentities: 2, publications: 2, subscriptions: 3 })
  const told = stage
    .take()
    .map(({ notice, cseq, body }) => [notice.subscription.id, notice.ended, cseq, body.length > 0])
  assert.deepEqual(told.sort(), [
    ['bob', undefined, 65_537, true],
    ['carol', 'timeout', 65_538, false],
  ])
  assert.equal(owner.presentity(ALICE)?.lastPublicationNumber, 2)
  assert.equal(owner.presentityOf('dave'), BOB)
  assert.equal(stage.ask(owner, publish(), { key: 'z9hG4bK-publish-2' }).answer?.headers[0]?.[1], 'etag-2')
})

test('each kind of snapshot record of formats 2, 4, 6 and 8 is in the corpus', () => {
  for (const name of ['snapshot-v2.jsonl', 'snapshot-v4.jsonl', 'snapshot-v6.jsonl', 'snapshot-v8.jsonl']) {
    const kinds = new Set(corpus(name).map((line) => decodeRecord(octetsOf(line)).kind))
    const all: SnapshotRecord['kind'][] = ['partition-snapshot', 'presentity-snapshot', 'answers-snapshot']
    assert.deepEqual([...kinds].sort(), all.sort())
  }
})

test('a log of format 3 and its snapshot of format 4 load: who is registered is known, and who is not any more', async () => {
  for (const isSnapshot of [false, true]) {
    const stage = new Stage()
    if (isSnapshot) {
      stage.log.snapshot = { mark: 30n, records: corpus('snapshot-v4.jsonl').map(octetsOf) }
    } else {
      stage.log.kept = corpus('log-v3.jsonl').map((line, at) => {
        return { sequence: BigInt(at + 1), epoch: 1n, record: octetsOf(line), traceparent: line.traceparent }
      })
    }
    const owner = await stage.own()
    const registered = [ALICE, BOB, CAROL].map((impu) => owner.presentity(impu)?.registration?.isRegistered)
    assert.deepEqual(registered, [true, true, false])
    const { callId, cseq } = owner.presentity(CAROL)?.registration ?? {}
    assert.deepEqual([callId, cseq], ['reg-4', 1])
    assert.equal(owner.presentityOf('bob'), ALICE)
    // By its watcher, too.
    assert.equal(await owner.endWatcher([BOB], stage.clock.now()), 2)
  }
})

test('a log of format 5 and its snapshot of format 6 load: documents are there, and who hides goes on hiding', async () => {
  for (const isSnapshot of [false, true]) {
    const stage = new Stage()
    if (isSnapshot) stage.log.snapshot = { mark: 30n, records: corpus('snapshot-v6.jsonl').map(octetsOf) }
    else {
      stage.log.kept = corpus('log-v5.jsonl').map((line, at) => {
        return { sequence: BigInt(at + 1), epoch: 1n, record: octetsOf(line), traceparent: line.traceparent }
      })
    }
    const owner = await stage.own()
    const { documents, subscriptions } = owner.presentity(ALICE) ?? assert.fail('she is forgotten')
    assert.equal(documents?.get('pres-rules index')?.etag, 'v1')
    assert.equal(subscriptions.get('hidden')?.isHidden, true)
    assert.equal(owner.presentity(BOB), undefined)
  }
})

test('a log of format 7 and its snapshot of format 8 load: who has proved his name is known by it', async () => {
  for (const isSnapshot of [false, true]) {
    const stage = new Stage()
    if (isSnapshot) stage.log.snapshot = { mark: 30n, records: corpus('snapshot-v8.jsonl').map(octetsOf) }
    else {
      stage.log.kept = corpus('log-v7.jsonl').map((line, at) => {
        return { sequence: BigInt(at + 1), epoch: 1n, record: octetsOf(line), traceparent: line.traceparent }
      })
    }
    const owner = await stage.own()
    const proved = owner.presentity(ALICE)?.subscriptions.get('proved') ?? assert.fail('he is forgotten')
    assert.deepEqual(proved.proof, { impi: 'carol@ims.example.com', algorithm: 'SHA-256' })
    assert.deepEqual(identityOf(proved), { kind: 'authenticated', identities: [CAROL], isAnonymous: true })
  }
})

test('a log of format 7 and its snapshot of format 8 load: who waits does so, who hides without a name (RFC 3857 section 4.7.1)', async () => {
  for (const line of corpus('records-v7-waiting.jsonl')) {
    assert.deepEqual(withoutAbsent(decodeRecord(octetsOf(line))), line.reads)
  }
  for (const isSnapshot of [false, true]) {
    const stage = new Stage()
    if (isSnapshot) stage.log.snapshot = { mark: 30n, records: corpus('snapshot-v8-waiting.jsonl').map(octetsOf) }
    else {
      stage.log.kept = corpus('log-v7-waiting.jsonl').map((line, at) => {
        return { sequence: BigInt(at + 1), epoch: 1n, record: octetsOf(line), traceparent: line.traceparent }
      })
    }
    stage.clock.advance(63_000)
    const owner = await stage.own()
    const { waiting, subscriptions } = owner.presentity(ALICE) ?? assert.fail('she is forgotten')
    assert.deepEqual(
      [...(waiting?.values() ?? [])].map(({ id, watcher, isHidden, giveUpAtMs }) => [
        id,
        watcher,
        isHidden,
        giveUpAtMs,
      ]),
      [
        ['bob', [BOB], false, 1_700_259_200_000],
        ['hidden', [CAROL], true, 1_700_259_260_000],
      ],
    )
    assert.deepEqual([...subscriptions.keys()], ['winfo'])
  }
})

test('a log of format 7 and its snapshot of format 8 load: who watches documents watches those of the last SUBSCRIBE', async () => {
  for (const isSnapshot of [false, true]) {
    const stage = new Stage()
    if (isSnapshot) stage.log.snapshot = { mark: 30n, records: corpus('snapshot-v8-xcap.jsonl').map(octetsOf) }
    else {
      stage.log.kept = corpus('log-v7-xcap.jsonl').map((line, at) => {
        return { sequence: BigInt(at + 1), epoch: 1n, record: octetsOf(line), traceparent: line.traceparent }
      })
    }
    const owner = await stage.own()
    const { subscriptions } = owner.presentity(ALICE) ?? assert.fail('she is forgotten')
    assert.deepEqual(subscriptions.xcapIds, ['documents'])
    assert.deepEqual(subscriptions.get('documents')?.xcap, {
      root: 'https://xcap.ims.example.com/',
      selectors: ['pidf-manipulation/'],
      processing: 'aggregate',
    })
  }
})
