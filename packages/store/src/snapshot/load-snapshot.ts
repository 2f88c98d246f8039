import { createHash } from 'node:crypto'
import { LogCorruptError, LogFormatError, StoreUnavailableError } from '../errors.ts'
import { lastMessage, lastMessageOfReplica, type StoredMessage } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import { type Chunk, decodeChunk, visitChunk } from './chunk.ts'
import type { SnapshotManifest } from './manifest.ts'
import { chunkSubject, type SnapshotSubjects } from './snapshot-subjects.ts'

/** Chunks that are asked for ahead of the one being read. */
const CHUNKS_AHEAD = 4
const CALL_MS_MAX = 3_000
const CHUNK_MS_MAX = 60_000
const RETRY_WAIT_MS = 20

/**
 * Gives `load` each record of a snapshot in order. Each chunk is checked before its records are given, and at the end that
 * they were all of them.
 *
 * @throws LogCorruptError, StoreUnavailableError, and what `load` throws
 */
export async function loadSnapshot(
  connection: StoreLink,
  o: {
    stream: string
    subjects: SnapshotSubjects
    snapshot: SnapshotManifest
    load: (record: Buffer) => void
    /** Given each chunk that has been checked, with its subject; waited for. */
    onChunk?: (subject: string, chunk: Chunk) => Promise<void>
  },
): Promise<void> {
  const { snapshot } = o
  const digest = createHash('sha256')
  const read = { records: 0, octets: 0 }
  const asked: Promise<Chunk>[] = []
  for (let index = 0; index < snapshot.chunks; index += 1) {
    for (let ahead = index + asked.length; asked.length < CHUNKS_AHEAD && ahead < snapshot.chunks; ahead += 1) {
      const chunk = readChunk(connection, o, ahead)
      // One that fails is seen when its turn comes, or not at all when one before it fails.
      chunk.catch(() => {})
      asked.push(chunk)
    }
    const chunk = await asked.shift()
    if (!chunk) break
    digest.update(chunk.digest)
    read.records += chunk.records
    read.octets += chunk.octets.length
    visitChunk(chunk, o.load)
    await o.onChunk?.(chunkSubject(o.subjects, snapshot.id, index), chunk)
  }
  const isWhole = read.records === snapshot.records && read.octets === snapshot.octets
  // guard: snapshot-whole — chunks that are not all of those that were named are not the state
  if (!isWhole || digest.digest('hex') !== snapshot.digest) {
    const found = `${read.records} records and ${read.octets} octets`
    throw new LogCorruptError(o.subjects.manifest, BigInt(snapshot.mark), `its chunks are not what it says: ${found}`)
  }
}

async function readChunk(
  connection: StoreLink,
  o: { stream: string; subjects: SnapshotSubjects; snapshot: SnapshotManifest },
  index: number,
): Promise<Chunk> {
  const subject = chunkSubject(o.subjects, o.snapshot.id, index)
  const message = await readMessage(connection, { stream: o.stream, subject })
  if (!message) throw new LogCorruptError(subject, BigInt(o.snapshot.mark), 'a chunk of the snapshot is missing')
  try {
    const chunk = decodeChunk(message.data, { id: o.snapshot.id, index })
    visitChunk(chunk, () => {})
    return chunk
  } catch (cause) {
    if (!(cause instanceof LogFormatError)) throw cause
    throw new LogCorruptError(subject, BigInt(message.sequence), cause.message, cause)
  }
}

/** Asks any replica, and the leader when that one has nothing: it may lag. */
async function readMessage(
  connection: StoreLink,
  o: { stream: string; subject: string },
): Promise<StoredMessage | undefined> {
  const dueMs = connection.clock.monotonic() + CHUNK_MS_MAX
  for (;;) {
    try {
      const request = { ...o, timeoutMs: CALL_MS_MAX }
      return (await lastMessageOfReplica(connection, request)) ?? (await lastMessage(connection, request))
    } catch (cause) {
      if (!isStoreTrouble(cause)) throw cause
      if (connection.isClosed || connection.clock.monotonic() > dueMs) {
        throw new StoreUnavailableError('no-answer', 'refused', cause)
      }
    }
    await pause(connection.clock, RETRY_WAIT_MS)
  }
}
