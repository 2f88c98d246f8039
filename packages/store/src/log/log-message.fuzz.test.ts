import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LogFormatError } from '../errors.ts'
import { decodeLogHeader, encodeLogMessage, PACK_HEADER_OCTETS, visitRecords } from './log-message.ts'
import { framedOctets, type LogRecord } from './record-frame.ts'

const SEED = 20261125
const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits })
const traceparent = fc.tuple(hex(32), hex(16), hex(2)).map(([trace, span, flags]) => `00-${trace}-${span}-${flags}`)
const octets = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))
const record = fc.record(
  { record: octets, traceparent: fc.option(traceparent, { nil: undefined }) },
  { noNullPrototype: true },
)
const u64 = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })

function recordsOf(message: Buffer): LogRecord[] {
  const records: LogRecord[] = []
  visitRecords(message, (bytes, context) => records.push({ record: Buffer.from(bytes), traceparent: context }))
  return records
}

test('reading what was framed gives the same records, and their size is known before', () => {
  fc.assert(
    fc.property(fc.array(record, { maxLength: 20 }), u64, u64, (records, epoch, number) => {
      const message = encodeLogMessage({ kind: 'records', epoch, number, records })
      assert.deepEqual(decodeLogHeader(message), { kind: 'records', epoch, number, count: records.length })
      assert.deepEqual(recordsOf(message), records)
      const size = records.reduce((sum, each) => sum + framedOctets(each), PACK_HEADER_OCTETS)
      assert.equal(message.length, size)
    }),
    { seed: SEED },
  )
})

test('octets that are no message give a LogFormatError and nothing else', () => {
  const whole = fc
    .array(record, { minLength: 1, maxLength: 4 })
    .map((records) => encodeLogMessage({ kind: 'records', epoch: 1n, number: 2n, records }))
  const changed = fc.tuple(whole, fc.nat(), fc.nat(255), fc.nat()).map(([message, at, octet, cut]) => {
    const copy = Buffer.from(message)
    copy[at % copy.length] = octet
    return copy.subarray(0, copy.length - (cut % 8))
  })
  fc.assert(
    fc.property(fc.oneof(octets, changed), (message) => {
      try {
        recordsOf(message)
      } catch (error) {
        assert.ok(error instanceof LogFormatError)
      }
    }),
    { seed: SEED, numRuns: 2000 },
  )
})

test('a message of a later version or of an unknown kind is refused, not guessed at', () => {
  const message = encodeLogMessage({ kind: 'records', epoch: 1n, number: 1n, records: [{ record: Buffer.from('x') }] })
  for (const [at, octet] of [
    [0, 2],
    [1, 4],
    [PACK_HEADER_OCTETS, 2],
    [PACK_HEADER_OCTETS + 1, 2],
  ] as const) {
    const later = Buffer.from(message)
    later[at] = octet
    assert.throws(() => recordsOf(later), LogFormatError)
  }
})
