import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impi, Impu } from '@rollcall/core'
import fc from 'fast-check'
import { RecordUnreadableError } from '../errors.ts'
import { ALICE_PROFILE, BOB_PROFILE } from '../testing/fixtures.ts'
import { encodeRecord } from './record.ts'
import { decodeSnapshotPart, encodeSnapshotPart, type SnapshotPart } from './snapshot-record.ts'
import { subscriptions } from './testing/subscriptions.ts'

const SEED = 33_141
const text = fc.string({ maxLength: 20 })
const impi = text.map((value) => value as Impi)
const impu = text.map((value) => value as Impu)

const contact = fc.record({
  impi,
  instance: text,
  value: text,
  path: fc.array(text, { maxLength: 3 }),
  registeredImpu: impu,
  callId: text,
  cseq: fc.nat(),
  expiresAtMs: fc.nat(),
  sourceAddress: text,
  uri: fc.string({ minLength: 1, maxLength: 20 }),
  state: fc.constantFrom('registered' as const, 'refreshed' as const, 'shortened' as const),
})

const part: fc.Arbitrary<SnapshotPart> = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    canonicalImpu: impu,
    profile: fc.constantFrom(ALICE_PROFILE, BOB_PROFILE),
    contacts: fc.array(contact, { maxLength: 4 }),
  }),
  fc.record({
    kind: fc.constant('answered' as const),
    atMs: fc.nat(),
    answered: fc.record({
      key: fc.record({ callId: text, cseq: fc.nat(), branch: text }),
      answer: fc.record({ toTag: text, headers: fc.array(fc.tuple(text, text), { maxLength: 3 }) }),
    }),
  }),
  fc.record({
    kind: fc.constant('ended' as const),
    atMs: fc.nat(),
    ended: fc.record({ impi, impu, reason: fc.constantFrom('unregistered' as const, 'rejected' as const) }),
    canonicalImpu: impu,
    contact: fc.option(contact, { nil: undefined }),
    retryAfterSeconds: fc.nat(),
    profile: fc.constantFrom(undefined, ALICE_PROFILE, BOB_PROFILE),
  }),
  fc.record({ kind: fc.constant('subscription' as const), canonicalImpu: impu, subscription: subscriptions }),
)

test('a part of a snapshot reads back as it was written', () => {
  fc.assert(
    fc.property(part, (given) => {
      // Generated objects have no prototype.
      assert.deepEqual(decodeSnapshotPart(encodeSnapshotPart(given)), structuredClone(given))
    }),
    { seed: SEED, numRuns: 200 },
  )
})

test('octets that are no part of a snapshot, or a record of the log, are refused as such', () => {
  const change = { kind: 'removed', impi: 'a' as Impi, instance: '', uri: '', retryAfterSeconds: 0 } as const
  const logged = { atMs: 1, canonicalImpu: 'sip:a@b' as Impu, change, reason: 'expired', answered: undefined } as const
  for (const octets of [Buffer.alloc(0), Buffer.of(2), Buffer.of(3), Buffer.of(2, 0xff, 0xff), encodeRecord(logged)]) {
    assert.throws(() => decodeSnapshotPart(octets), RecordUnreadableError)
  }
})
