import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LogFormatError } from '../errors.ts'
import { decodeChunk, encodeChunk, visitChunk } from './chunk.ts'

const SEED = 20261126
const ID = '00112233445566778899aabbccddeeff'
const records = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 20 })
const index = fc.nat(2 ** 32 - 1)

function recordsOf(octets: Buffer, at: number): Buffer[] {
  const found: Buffer[] = []
  visitChunk(decodeChunk(octets, { id: ID, index: at }), (record) => void found.push(Buffer.from(record)))
  return found
}

test('reading a chunk gives the records that it was made of', () => {
  fc.assert(
    fc.property(records, index, (each, at) => {
      const chunk = encodeChunk({ id: ID, index: at, records: each })
      assert.equal(chunk.records, each.length)
      assert.deepEqual(
        recordsOf(chunk.octets, at),
        each.map((record) => Buffer.from(record)),
      )
    }),
    { seed: SEED },
  )
})

test('a chunk in which any one octet is another is refused with a LogFormatError', () => {
  const one = encodeChunk({ id: ID, index: 3, records: [Buffer.from('alice'), Buffer.from('bob')] }).octets
  for (let at = 0; at < one.length; at += 1) {
    const changed = Buffer.from(one)
    changed[at] = (changed[at] ?? 0) ^ 0x01
    assert.throws(() => recordsOf(changed, 3), LogFormatError, `octet ${at}`)
  }
})

test('a chunk of another snapshot, or in another place, is refused', () => {
  const { octets } = encodeChunk({ id: ID, index: 3, records: [] })
  assert.throws(() => decodeChunk(octets, { id: ID, index: 4 }), LogFormatError)
  assert.throws(() => decodeChunk(octets, { id: 'f'.repeat(32), index: 3 }), LogFormatError)
})

test('octets that are no chunk give a LogFormatError and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
      assert.throws(() => recordsOf(Buffer.from(octets), 0), LogFormatError)
    }),
    { seed: SEED, numRuns: 500 },
  )
})
