import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impi, Impu } from '@rollcall/core'
import fc from 'fast-check'
import { RecordUnreadableError } from '../errors.ts'
import { ALICE_PROFILE } from '../testing/fixtures.ts'
import type { EndReason } from './ended-registration.ts'
import { decodeRecord, encodeRecord, type LoggedChange, REMOVAL_REASONS } from './record.ts'
import { subscriptions } from './testing/subscriptions.ts'

const SEED = 33_141
const text = fc.string({ maxLength: 20 })

const REASONS = Object.keys(REMOVAL_REASONS) as EndReason[]

const change: fc.Arbitrary<Pick<LoggedChange, 'change' | 'reason'>> = fc.oneof(
  fc.record({
    change: fc.record({
      kind: fc.constant('removed' as const),
      impi: text.map((value) => value as Impi),
      instance: text,
      uri: text,
      retryAfterSeconds: fc.nat(),
    }),
    reason: fc.constantFrom(...REASONS),
  }),
  fc.record({
    change: fc.oneof(
      fc.record({
        kind: fc.constant('shortened' as const),
        impi: text.map((value) => value as Impi),
        instance: text,
        uri: text,
        expiresAtMs: fc.nat(),
      }),
      fc.record({ kind: fc.constant('profile' as const), profile: fc.constant(ALICE_PROFILE) }),
      fc.record({ kind: fc.constant('subscribed' as const), subscription: subscriptions }),
      fc.record({ kind: fc.constant('unsubscribed' as const), id: text }),
    ),
    reason: fc.constant(undefined),
  }),
  fc.record({
    change: fc.record({
      kind: fc.constant('bound' as const),
      contact: fc.record({
        impi: text.map((value) => value as Impi),
        instance: text,
        value: text,
        path: fc.array(text, { maxLength: 3 }),
        registeredImpu: text.map((value) => value as Impu),
        callId: text,
        cseq: fc.nat(),
        expiresAtMs: fc.nat(),
        sourceAddress: text,
        uri: fc.string({ minLength: 1, maxLength: 20 }),
        state: fc.constantFrom('registered' as const, 'refreshed' as const, 'shortened' as const),
      }),
      profile: fc.constantFrom(undefined, ALICE_PROFILE),
    }),
    reason: fc.constant(undefined),
  }),
)

const logged: fc.Arbitrary<LoggedChange> = fc
  .record({
    atMs: fc.nat(),
    canonicalImpu: text.map((value) => value as Impu),
    change,
    answered: fc.option(
      fc.record({
        key: fc.record({ callId: text, cseq: fc.nat(), branch: text }),
        answer: fc.record({ toTag: text, headers: fc.array(fc.tuple(text, text), { maxLength: 3 }) }),
      }),
      { nil: undefined },
    ),
  })
  .map(({ change: inner, ...rest }) => ({ ...rest, ...inner }))

test('a record reads back as it was written', () => {
  fc.assert(
    fc.property(logged, (given) => {
      // Generated objects have no prototype.
      assert.deepEqual(decodeRecord(encodeRecord(given)), structuredClone(given))
    }),
    { seed: SEED, numRuns: 200 },
  )
})

test('octets that are no record, or one of another version, are refused as such', () => {
  for (const octets of [
    Buffer.alloc(0),
    Buffer.of(2),
    Buffer.of(1),
    Buffer.of(1, 0xff, 0xff),
    Buffer.from('\x01{"json":true}'),
  ]) {
    assert.throws(() => decodeRecord(octets), RecordUnreadableError)
  }
})
