import { createHash } from 'node:crypto'
import { StoreFullError, StoreUnavailableError } from '../errors.ts'
import { isFull, JS_WRONG_LAST_SEQUENCE, publish } from '../jetstream-api.ts'
import type { StreamGate } from '../log/stream-gate.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import type { Chunk } from './chunk.ts'
import { cutChunks } from './cut-chunks.ts'
import type { SnapshotManifest } from './manifest.ts'
import { chunkSubject, type SnapshotSubjects } from './snapshot-subjects.ts'

/** Chunks of one snapshot that are on their way at once: with the one being filled, what a snapshot holds in memory. */
const CHUNKS_UNDER_WAY_MAX = 4
const ATTEMPT_MS_MAX = 3_000
/** A chunk that does not land within this ends the snapshot: the next one begins anew. */
const CHUNK_MS_MAX = 30_000
const RETRY_WAIT_MS = 20

export interface ChunkWriterOptions {
  readonly connection: StoreLink
  readonly subjects: SnapshotSubjects
  readonly partition: string
  readonly gate: StreamGate
  readonly signal: AbortSignal
}

/**
 * Writes the chunks of a snapshot, each acknowledged, a few at once. They wait at the gate of their stream like the messages of
 * its logs, one turn each, so that appends of the same stream go on between them.
 *
 * @throws StoreFullError, StoreUnavailableError, RecordTooLargeError, what `records` and the `signal` throw
 */
export async function writeChunks(
  o: ChunkWriterOptions,
  id: string,
  records: Iterable<Uint8Array>,
): Promise<Pick<SnapshotManifest, 'chunks' | 'records' | 'octets' | 'digest'>> {
  const underWay = new Set<Promise<void>>()
  const digest = createHash('sha256')
  const written = { chunks: 0, records: 0, octets: 0 }
  try {
    for await (const chunk of cutChunks(id, records)) {
      if (underWay.size >= CHUNKS_UNDER_WAY_MAX) await Promise.race(underWay)
      o.signal.throwIfAborted()
      digest.update(chunk.digest)
      written.chunks += 1
      written.records += chunk.records
      written.octets += chunk.octets.length
      // Only one waits at the gate: an append that comes behind it waits for that one, not for all that are to follow.
      const turn = await turnAt(o.gate)
      const write = writeChunk(o, id, chunk, turn).finally(() => underWay.delete(write))
      // One that fails is seen by the race above or by the wait below.
      write.catch(() => {})
      underWay.add(write)
    }
    await Promise.all(underWay)
  } catch (error) {
    await Promise.allSettled(underWay)
    throw error
  }
  return { ...written, digest: digest.digest('hex') }
}

async function writeChunk(o: ChunkWriterOptions, id: string, chunk: Chunk, turn: () => void): Promise<void> {
  const { connection } = o
  const dueMs = connection.clock.monotonic() + CHUNK_MS_MAX
  for (let leave = turn; ; leave = await turnAt(o.gate)) {
    try {
      o.signal.throwIfAborted()
      if (await attempt(o, chunkSubject(o.subjects, id, chunk.index), chunk)) return
    } finally {
      leave()
    }
    if (connection.isClosed || connection.clock.monotonic() > dueMs) {
      throw new StoreUnavailableError('no-answer', 'open')
    }
    await pause(connection.clock, RETRY_WAIT_MS)
  }
}

/** True when the chunk is there: nobody else writes to its subject, so a refusal means that an earlier try has landed. */
async function attempt(o: ChunkWriterOptions, subject: string, chunk: Chunk): Promise<boolean> {
  if (!o.connection.isConnected) return false
  try {
    const data = chunk.octets
    const answer = await publish(o.connection, { subject, data, expected: 0, timeoutMs: ATTEMPT_MS_MAX })
    if (answer.ok || answer.errorCode === JS_WRONG_LAST_SEQUENCE) return true
    if (isFull(answer)) throw new StoreFullError(o.partition)
    return false
  } catch (error) {
    if (isStoreTrouble(error)) return false
    throw error
  }
}

function turnAt(gate: StreamGate): Promise<() => void> {
  return new Promise((resolve) => gate.enter({ send: resolve }))
}
