import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RecordTooLargeError } from '../errors.ts'
import { RECORD_OCTETS_MAX } from '../log/log-message.ts'
import { CHUNK_OCTETS_MAX, visitChunk } from './chunk.ts'
import { cutChunks } from './cut-chunks.ts'

const ID = '0'.repeat(32)

async function cut(records: Iterable<Uint8Array>): Promise<{ octets: number[]; records: number[] }> {
  const octets: number[] = []
  const lengths: number[] = []
  for await (const chunk of cutChunks(ID, records)) {
    octets.push(chunk.octets.length)
    visitChunk(chunk, (record) => void lengths.push(record.length))
  }
  return { octets, records: lengths }
}

test('records fill chunks of at most 256 KiB in their order; a larger one has a chunk of its own', async () => {
  const lengths = [...Array.from({ length: 1_000 }, (_, n) => 500 + n), RECORD_OCTETS_MAX, 1, 2]
  const found = await cut(lengths.map((length) => Buffer.alloc(length)))
  assert.deepEqual(found.records, lengths)
  const larger = found.octets.filter((octets) => octets > CHUNK_OCTETS_MAX)
  assert.equal(larger.length, 1)
  for (const octets of found.octets.slice(0, 3)) assert.ok(octets > CHUNK_OCTETS_MAX - 1_600, String(octets))
})

test('a state of nothing has no chunk', async () => {
  assert.deepEqual(await cut([]), { octets: [], records: [] })
})

test('the event loop turns while records are pulled', async () => {
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns += 1
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  await cut(Array.from({ length: 6_400 }, () => Buffer.alloc(10)))
  isDone = true
  assert.ok(turns >= 90, `${turns} turns over 6,400 records`)
})

test('a reader that stops early ends the iteration of the records', async () => {
  let isEnded = false
  function* records(): Generator<Uint8Array> {
    try {
      for (;;) yield Buffer.alloc(1_000)
    } finally {
      isEnded = true
    }
  }
  for await (const chunk of cutChunks(ID, records())) if (chunk.index === 2) break
  assert.ok(isEnded)
})

test('a record that is too large is refused', async () => {
  await assert.rejects(cut([Buffer.alloc(RECORD_OCTETS_MAX + 1)]), RecordTooLargeError)
})
