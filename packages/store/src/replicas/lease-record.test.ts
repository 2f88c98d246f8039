import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LeaseFormatError } from './errors.ts'
import { decodeLease, encodeLease, type LeaseRecord } from './lease-record.ts'

const LEASE: LeaseRecord = {
  incarnation: '00ff',
  beat: 7,
  target: '127.0.0.1:7443',
  state: 'serving',
  held: new Map([
    [3, 1_042n],
    [15, 0n],
  ]),
  lingering: new Set([5]),
  floors: new Map([
    [3, 1_077n],
    [7, 980n],
  ]),
}

/** As release 0.1 wrote it. */
const FIRST_VERSION =
  '{"version":1,"incarnation":"00ff","beat":7,"target":"127.0.0.1:7443","state":"serving",' +
  '"held":{"3":"1042","15":"0"},"lingering":[5]}'
/** With floors, of which the first readers know nothing. */
const WITH_FLOORS = FIRST_VERSION.replace(/}$/, ',"floors":{"3":"1077","7":"980"}}')

test('is written as the first version was, and floors behind it', () => {
  assert.equal(encodeLease(LEASE).toString(), WITH_FLOORS)
  assert.deepEqual(decodeLease(Buffer.from(WITH_FLOORS)), LEASE)
  assert.deepEqual(decodeLease(Buffer.from(FIRST_VERSION)), { ...LEASE, floors: new Map() })
})

test('reads back what it wrote, with epochs beyond 2^53', () => {
  const numbers = fc
    .array(fc.tuple(fc.nat({ max: 255 }), fc.bigInt({ min: 0n, max: 2n ** 63n })))
    .map((all) => new Map(all))
  const leases = fc.record(
    {
      incarnation: fc.stringMatching(/^[0-9a-f]{1,64}$/),
      beat: fc.nat(),
      target: fc.string({ maxLength: 300 }),
      state: fc.constantFrom('serving', 'leaving', 'gone', 'revoked'),
      held: numbers,
      lingering: fc.array(fc.nat({ max: 255 })).map((all) => new Set(all)),
      floors: numbers,
    },
    { noNullPrototype: true },
  )
  fc.assert(fc.property(leases, (lease) => assert.deepEqual(decodeLease(encodeLease(lease)), lease)))
})

test('fits into a message of its stream with 256 partitions', () => {
  const all = Array.from({ length: 256 }, (_, partition) => partition)
  const held = new Map(all.map((partition) => [partition, 2n ** 63n]))
  assert.ok(encodeLease({ ...LEASE, held, lingering: new Set(all), floors: held }).length < 32_000)
})

test('refuses another version and what it does not know, and never by another error', () => {
  for (const [from, to] of [
    ['"version":1', '"version":2'],
    ['"serving"', '"idle"'],
    ['"00ff"', '"none"'],
    ['"beat":7', '"beat":-1'],
    ['"3"', '"x"'],
    ['"1042"', '"-1"'],
    ['[5]', '[-5]'],
    ['[5]', '5'],
    ['{"3":"1042","15":"0"}', 'null'],
    ['"127.0.0.1:7443"', '7'],
    ['{"3":"1077","7":"980"}', '[1]'],
    ['"980"', '980'],
    ['"7":"980"', '"-":"980"'],
  ] as const) {
    const text = WITH_FLOORS.replace(from, to)
    assert.notEqual(text, WITH_FLOORS)
    assert.throws(() => decodeLease(Buffer.from(text)), LeaseFormatError, to)
  }
  const octets = fc.oneof(
    fc.uint8Array(),
    fc.json().map((text) => new Uint8Array(Buffer.from(text))),
  )
  fc.assert(fc.property(octets, (data) => assert.throws(() => decodeLease(data), LeaseFormatError)))
})
