import { setImmediate as nextTurn } from 'node:timers/promises'
import { RecordTooLargeError } from '../errors.ts'
import { RECORD_OCTETS_MAX } from '../log/log-message.ts'
import { framedOctets } from '../log/record-frame.ts'
import { CHUNK_HEADER_OCTETS, CHUNK_OCTETS_MAX, type Chunk, encodeChunk } from './chunk.ts'

/** Records pulled in one turn of the event loop: at 20 µs each, what encoding a large one takes, a bit over a millisecond. */
const SLICE_RECORDS = 64

/**
 * Cuts records into chunks, pulling some in each turn of the event loop, so that whoever writes a large snapshot serves on.
 * Holds no more than one chunk. A reader that stops early ends the iteration of `records` too.
 *
 * @throws RecordTooLargeError, and what `records` throws
 */
export async function* cutChunks(id: string, records: Iterable<Uint8Array>): AsyncGenerator<Chunk, void, undefined> {
  let index = 0
  let gathered: Uint8Array[] = []
  let octets = CHUNK_HEADER_OCTETS
  let pulled = 0
  for (const record of records) {
    if (record.length > RECORD_OCTETS_MAX) throw new RecordTooLargeError(record.length, RECORD_OCTETS_MAX)
    const framed = framedOctets({ record })
    if (gathered.length > 0 && octets + framed > CHUNK_OCTETS_MAX) {
      yield encodeChunk({ id, index, records: gathered })
      index += 1
      gathered = []
      octets = CHUNK_HEADER_OCTETS
    }
    gathered.push(record)
    octets += framed
    pulled += 1
    if (pulled % SLICE_RECORDS === 0) await nextTurn()
  }
  if (gathered.length > 0) yield encodeChunk({ id, index, records: gathered })
}
