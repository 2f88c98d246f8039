import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LogFormatError } from '../errors.ts'
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts'

const SEED = 20261126
const whole = fc.nat(Number.MAX_SAFE_INTEGER)
const hex = (digits: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: digits, maxLength: digits })
const snapshot = fc.record(
  { id: hex(32), mark: whole, epoch: whole, chunks: whole, records: whole, octets: whole, digest: hex(64) },
  { noNullPrototype: true },
)
const manifest: fc.Arbitrary<Manifest> = fc.record(
  { owner: whole, snapshot: fc.option(snapshot, { nil: undefined }) },
  { noNullPrototype: true },
)

test('reading a manifest gives what was written', () => {
  fc.assert(
    fc.property(manifest, (each) => assert.deepEqual(decodeManifest(encodeManifest(each)), each)),
    { seed: SEED },
  )
})

test('what is no manifest, or one of a later version, gives a LogFormatError and nothing else', () => {
  const good = { version: 1, owner: 5, snapshot: null }
  const id = '0'.repeat(32)
  const whole = { id, mark: 3, epoch: 1, chunks: 1, records: 1, octets: 1, digest: '0'.repeat(64) }
  assert.equal(decodeManifest(Buffer.from(JSON.stringify({ ...good, snapshot: whole }))).snapshot?.mark, 3)
  const bad: unknown[] = [
    null,
    [],
    1,
    { ...good, version: 2 },
    { ...good, owner: -1 },
    { ...good, owner: '5' },
    { ...good, snapshot: undefined },
    { ...good, snapshot: [] },
    { ...good, snapshot: { ...whole, id: 'x'.repeat(32) } },
    { ...good, snapshot: { ...whole, id: `${id}.*` } },
    { ...good, snapshot: { ...whole, mark: 1.5 } },
    { ...good, snapshot: { ...whole, digest: '' } },
  ]
  for (const each of bad) {
    assert.throws(() => decodeManifest(Buffer.from(JSON.stringify(each))), LogFormatError, JSON.stringify(each))
  }
  assert.throws(() => decodeManifest(Buffer.from('{')), LogFormatError)
})
