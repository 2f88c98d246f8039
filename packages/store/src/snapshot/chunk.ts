import { createHash } from 'node:crypto'
import { assert } from '@rollcall/core'
import { LogFormatError } from '../errors.ts'
import { framedOctets, type LogRecord, visitFrames, writeFrame } from '../log/record-frame.ts'

/*
 * A chunk of a snapshot, all numbers big-endian:
 *
 *   octet  0      version of this format, 1
 *   octets 1-16   id of the snapshot
 *   octets 17-20  index of the chunk: 0, 1 …
 *   octets 21-24  count of records
 *   octets 25-56  SHA-256 of everything before and behind it
 *   then each record in its frame (record-frame.ts)
 */

const FORMAT_VERSION = 1
const INDEX_AT = 17
const COUNT_AT = 21
const DIGEST_AT = 25
const HEADER_OCTETS = 57

/** Octets of a snapshot's id. */
export const SNAPSHOT_ID_OCTETS = 16
/** A chunk is closed before it grows beyond this; only one that holds a single larger record is longer. */
export const CHUNK_OCTETS_MAX = 256 * 1024
/** Octets of a chunk before its first record. */
export const CHUNK_HEADER_OCTETS: number = HEADER_OCTETS

/** A chunk as it is stored, with its digest. */
export interface Chunk {
  readonly index: number
  readonly records: number
  readonly octets: Buffer
  readonly digest: Buffer
}

/** `id` is the snapshot's, in hexadecimal. */
export function encodeChunk(o: { id: string; index: number; records: readonly Uint8Array[] }): Chunk {
  const records = o.records.map((record): LogRecord => ({ record }))
  const octets = Buffer.allocUnsafe(records.reduce((sum, record) => sum + framedOctets(record), HEADER_OCTETS))
  octets[0] = FORMAT_VERSION
  octets.write(o.id, 1, SNAPSHOT_ID_OCTETS, 'hex')
  octets.writeUInt32BE(o.index, INDEX_AT)
  octets.writeUInt32BE(records.length, COUNT_AT)
  let at = HEADER_OCTETS
  for (const record of records) at = writeFrame(octets, at, record)
  assert(at === octets.length, 'a chunk is filled to its last octet')
  const digest = digestOf(octets)
  digest.copy(octets, DIGEST_AT)
  return { index: o.index, records: records.length, octets, digest }
}

/**
 * Checks that a message is this chunk of this snapshot, whole, and gives what it holds; its records come by `visitChunk`.
 *
 * @throws LogFormatError
 */
export function decodeChunk(octets: Buffer, expected: { id: string; index: number }): Chunk {
  if (octets.length < HEADER_OCTETS) throw new LogFormatError('a chunk is too short')
  if (octets[0] !== FORMAT_VERSION) throw new LogFormatError(`a chunk has format version ${octets[0]}`)
  const digest = octets.subarray(DIGEST_AT, HEADER_OCTETS)
  // guard: chunk-digest — a damaged chunk is not the state
  if (!digestOf(octets).equals(digest)) throw new LogFormatError('a chunk does not have the digest that it says')
  const id = octets.toString('hex', 1, INDEX_AT)
  const index = octets.readUInt32BE(INDEX_AT)
  if (id !== expected.id || index !== expected.index) {
    throw new LogFormatError(`a chunk is ${index} of ${id}, not ${expected.index} of ${expected.id}`)
  }
  return { index, records: octets.readUInt32BE(COUNT_AT), octets, digest }
}

/** Calls `visit` for each record of a chunk, with the chunk's own octets, not a copy. @throws LogFormatError */
export function visitChunk(chunk: Chunk, visit: (record: Buffer) => void): void {
  visitFrames(chunk.octets, HEADER_OCTETS, chunk.records, visit)
}

function digestOf(octets: Buffer): Buffer {
  return createHash('sha256').update(octets.subarray(0, DIGEST_AT)).update(octets.subarray(HEADER_OCTETS)).digest()
}
