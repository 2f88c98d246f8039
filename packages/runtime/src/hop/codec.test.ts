import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccessSecurity, type Envelope, ExchangeRequest, ExchangeResponse } from '@rollcall/proto-gen/hop'
import fc from 'fast-check'
import { HopMalformedError } from '../errors.ts'
import { decodeBatch, encodeBatch } from './codec.ts'
import { createEnvelope } from './envelope.ts'

const octets = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes))
const text = fc.string({ unit: 'binary', maxLength: 60 }).map((value) => value.toWellFormed())
const accessSecurity = fc.constantFrom(
  AccessSecurity.ACCESS_SECURITY_UNSPECIFIED,
  AccessSecurity.ACCESS_SECURITY_IPSEC_3GPP,
  AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN,
)
const envelope: fc.Arbitrary<Envelope> = fc.record(
  {
    traceparent: text,
    tracestate: text,
    accessSecurity,
    impi: text,
    assertedIdentities: fc.array(text, { maxLength: 4 }),
    assertion: octets(200),
    receivedAtMs: fc.maxSafeNat().map(BigInt),
    forwarded: fc.boolean(),
    deadlineMs: fc.nat({ max: 0xffff_ffff }),
    misdirected: fc.boolean(),
    forwardedRole: text,
  },
  { noNullPrototype: true },
)
const message = fc.record(
  { sip: octets(300), envelope: fc.option(envelope, { nil: undefined }) },
  { noNullPrototype: true },
)
const batch = fc.array(message, { maxLength: 5 })
const seed = { seed: 20261125 }

test('a batch is what the generated code writes, octet for octet', () => {
  fc.assert(
    fc.property(batch, (messages) => {
      const generated = Buffer.from(ExchangeRequest.encode({ messages }).finish())
      assert.deepEqual(encodeBatch(messages), generated)
      assert.deepEqual(Buffer.from(ExchangeResponse.encode({ messages }).finish()), generated)
    }),
    seed,
  )
})

test('a batch is read as the generated code reads it', () => {
  fc.assert(
    fc.property(batch, (messages) => {
      const octets = Buffer.from(ExchangeRequest.encode({ messages }).finish())
      assert.deepEqual(decodeBatch(octets), ExchangeRequest.decode(octets).messages)
      assert.deepEqual(decodeBatch(octets), messages)
    }),
    seed,
  )
})

test('what is no batch is one typed error, wherever it is wrong', () => {
  fc.assert(
    fc.property(batch, fc.infiniteStream(fc.nat(0xff)), fc.nat(20), (messages, random, changes) => {
      const octets = Buffer.from(encodeBatch(messages))
      for (let i = 0; i < changes && octets.length > 0; i++) {
        const [at = 0, value = 0] = random.take(2)
        octets[(at * 251) % octets.length] = value
      }
      try {
        decodeBatch(octets)
      } catch (error) {
        assert.ok(error instanceof HopMalformedError)
      }
    }),
    { ...seed, numRuns: 1_000 },
  )
  for (const hex of ['0a', '0a05', '0a020a05', '0bff', '08ffffffffffffffffffff01', '0a0312' + '0538', '0d0000']) {
    assert.throws(() => decodeBatch(Buffer.from(hex, 'hex')), HopMalformedError, hex)
  }
})

test('fields of a later version are passed over', () => {
  const inner = ['0a0141', '980605', '7a02aabb', '190102030405060708', '2501020304', '1200'].join('')
  const outer = `0a${(inner.length / 2).toString(16)}${inner}1203aabbcc`
  const [known] = decodeBatch(Buffer.from(outer, 'hex'))
  assert.deepEqual(known, { sip: Buffer.from('A'), envelope: createEnvelope() })
})

test('a kind of access protection that is not known vouches for nothing (decision 004)', () => {
  const octets = encodeBatch([
    { sip: Buffer.from('x'), envelope: createEnvelope({ accessSecurity: 99 as unknown as AccessSecurity }) },
  ])
  assert.equal(decodeBatch(octets)[0]?.envelope?.accessSecurity, AccessSecurity.ACCESS_SECURITY_UNSPECIFIED)
  const unrecognized = encodeBatch([{ sip: Buffer.from('x'), envelope: createEnvelope({ accessSecurity: -1 }) }])
  assert.equal(decodeBatch(unrecognized)[0]?.envelope?.accessSecurity, AccessSecurity.ACCESS_SECURITY_UNSPECIFIED)
})

test('a deadline given beside the envelope takes the place of its own', () => {
  const octets = encodeBatch([
    { sip: Buffer.from('x'), envelope: createEnvelope({ deadlineMs: 9 }), deadlineMs: 1_234 },
  ])
  assert.equal(decodeBatch(octets)[0]?.envelope?.deadlineMs, 1_234)
})
