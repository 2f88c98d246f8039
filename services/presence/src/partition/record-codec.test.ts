import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImpi } from '@rollcall/core'
import { Record as WireRecord } from '@rollcall/proto-gen/presence'
import fc from 'fast-check'
import type { Change } from '../actor/change.ts'
import { RecordUnreadableError } from '../errors.ts'
import { ALICE, BOB, freshTag, subscribe } from '../testing/inputs.ts'
import type { LogRecord } from './log-record.ts'
import { decodeRecord, encodeRecord } from './record-codec.ts'

const { kind: _, policy: __, isOwn: ___, accept: ____, ...input } = subscribe()
const CHANGES: readonly Change[] = [
  {
    kind: 'publication-stored',
    number: 3,
    replacedEntityTag: undefined,
    entityTag: 'e1',
    expiresAtMs: 1_700_000_000_001,
    body: Buffer.from('<presence/>'),
  },
  {
    kind: 'publication-stored',
    number: 3,
    replacedEntityTag: 'e1',
    entityTag: 'e2',
    expiresAtMs: 1,
    body: Buffer.alloc(0),
  },
  { kind: 'publication-refreshed', replacedEntityTag: 'e2', entityTag: 'e3', expiresAtMs: 2 },
  { kind: 'publication-removed', entityTag: 'e3', expired: true },
  { kind: 'document-stored', key: 'pres-rules index', etag: 'v1', octets: Buffer.from('<ruleset/>') },
  { kind: 'document-removed', key: 'pres-rules index' },
  {
    kind: 'subscription-stored',
    subscription: {
      id: 's1',
      eventPackage: 'presence.winfo',
      eventId: '7',
      resource: ALICE,
      watcher: [BOB, ALICE],
      isHidden: true,
      proof: { impi: parseImpi('bob@ims.example.com'), algorithm: 'MD5' },
      isOwn: true,
      handling: 'polite-block',
      expiresAtMs: 3,
      dialog: input.dialog,
      notifyBase: { cseq: 4, ownerOrdinal: 5 },
    },
  },
  {
    kind: 'subscription-refreshed',
    id: 's1',
    remoteCseq: 2 ** 31 - 1,
    remoteTarget: 'sip:b@c',
    expiresAtMs: 6,
    handling: 'confirm',
    notifyBase: { cseq: 0, ownerOrdinal: 0 },
    isHidden: true,
  },
  { kind: 'subscription-decided', id: 's1', handling: 'block' },
  { kind: 'subscription-ended', id: 's1', reason: 'giveup', silent: true },
  { kind: 'subscription-ended', id: 's1', reason: 'timeout', silent: false, waitsUntilMs: 2 ** 41 },
  { kind: 'waiting-ended', id: 's1', reason: 'approved' },
  { kind: 'watcher-refused', id: 's2', watcher: [BOB], isHidden: true },
  { kind: 'notify-base-moved', id: 's1', notifyBase: { cseq: 9, ownerOrdinal: 10 } },
  { kind: 'registration-stored', expiresAtMs: 7, toldAtMs: 8, callId: 'r', cseq: 9 },
  { kind: 'registration-ended', forgetAtMs: 10, toldAtMs: 11, callId: 'r', cseq: 12, expired: true },
  { kind: 'registration-forgotten' },
]
const RECORDS: readonly LogRecord[] = [
  {
    kind: 'decision',
    decidedAtMs: 1_700_000_000_000,
    presentity: ALICE,
    answered: {
      key: { callId: 'c', cseq: 1, branch: 'z9hG4bK1' },
      answer: { status: 200, toTag: freshTag(), headers: [['SIP-ETag', 'e1']] },
    },
    changes: CHANGES,
  },
  { kind: 'decision', decidedAtMs: 1, presentity: ALICE, answered: undefined, changes: CHANGES.slice(2, 3) },
  { kind: 'owner-started', decidedAtMs: 2, ordinal: 7 },
  { kind: 'watermark', decidedAtMs: 3, sequence: 2n ** 40n, lagging: [{ presentity: BOB, subscriptionId: 's1' }] },
  { kind: 'watermark', decidedAtMs: 3, sequence: 0n, lagging: [] },
]

test('what is written is read again, word for word', () => {
  for (const record of RECORDS) assert.deepEqual(decodeRecord(Buffer.from(encodeRecord(record))), record)
})

test('what is read keeps none of the octets it was read from', () => {
  const octets = Buffer.from(encodeRecord(RECORDS[0] as LogRecord))
  const record = decodeRecord(octets)
  octets.fill(0xff)
  assert.deepEqual(record, RECORDS[0])
})

test('a record of a newer format, and one that makes no sense, are refused: serving on would lose state', () => {
  const wire = { decidedAtMs: 0n, presentity: ALICE, answered: undefined }
  const refused = [
    WireRecord.encode({ ...wire, version: 2, changes: [] }).finish(),
    WireRecord.encode({ ...wire, version: 1, changes: [{ change: undefined }] }).finish(),
    WireRecord.encode({
      ...wire,
      version: 1,
      changes: [
        {
          change: {
            $case: 'subscriptionEnded',
            value: { id: 's', reason: 99 as never, silent: false, waitsUntilMs: 0n },
          },
        },
      ],
    }).finish(),
  ]
  for (const octets of refused) assert.throws(() => decodeRecord(Buffer.from(octets)), RecordUnreadableError)
})

test('any octets are read or refused, never worse', () => {
  const good = Buffer.from(encodeRecord(RECORDS[0] as LogRecord))
  const damaged = fc
    .tuple(fc.nat(good.length - 1), fc.uint8Array({ maxLength: 8 }))
    .map(([at, octets]) => Buffer.concat([good.subarray(0, at), octets, good.subarray(at + octets.length)]))
  fc.assert(
    fc.property(fc.oneof(damaged, fc.uint8Array({ maxLength: 200 })), (octets) => {
      try {
        decodeRecord(Buffer.from(octets))
      } catch (error) {
        assert.ok(error instanceof RecordUnreadableError, String((error as Error).stack))
      }
    }),
    { seed: 5, numRuns: 3_000 },
  )
})
