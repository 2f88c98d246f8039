import { setTimeout as delay } from 'node:timers/promises'
import { LogCorruptError } from '../errors.ts'
import { lastMessage, type StoredMessage } from '../jetstream-api.ts'
import type { LogService } from '../layout.ts'
import type { ChainStart } from '../log/chain.ts'
import { checkFloor } from '../log/floor.ts'
import { type LoadedRecord, loadLog } from '../log/load-log.ts'
import { readManifest } from '../snapshot/change-manifest.ts'
import { loadSnapshot } from '../snapshot/load-snapshot.ts'
import { encodeManifest, type Manifest } from '../snapshot/manifest.ts'
import { snapshotSubjects } from '../snapshot/snapshot-subjects.ts'
import type { StoreLink } from '../store-link.ts'

const CALL_MS_MAX = 10_000
/** A busy owner writes a snapshot every few seconds at most, and a partition is read in less. */
const TRIES_MAX = 10
const RETRY_WAIT_MS = 200

/** Where a partition lies, by what its subjects say. */
export interface StoredPartition {
  readonly service: LogService
  readonly realm: string
  readonly partition: string
  readonly stream: string
  /** Sequence of a record that leases say was acknowledged; 0 when none is known. */
  readonly floor: bigint
}

/** What a reader of a partition does with what it is given. */
export interface PartitionReader {
  /** A reading begins; what an earlier one gave does not count. `manifest` is as it lies in the store. */
  begin(manifest: Buffer | undefined): Promise<void>
  chunk(subject: string, octets: Buffer): Promise<void>
  /** Messages of the log, in order. */
  messages(messages: readonly StoredMessage[]): Promise<void>
  record(record: LoadedRecord): void
  /** The reading cannot be finished, and begins again. */
  discard(): Promise<void>
}

/** Subject of a partition's log. */
export function logSubjectOf({ service, realm, partition }: Omit<StoredPartition, 'floor'>): string {
  return `${service}.${realm}.log.${partition}`
}

/**
 * Reads a partition as a load does, and checks it, without taking it: its owner goes on. What it reads is the state of one moment,
 * whole; when the owner purges some of it meanwhile it begins again.
 *
 * @throws LogCorruptError, StoreUnavailableError, and what `reader` throws
 */
export async function readStoredPartition(
  connection: StoreLink,
  place: StoredPartition,
  reader: PartitionReader,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const before = await readManifest(connection, manifestPlaceOf(place))
    try {
      await readOnce(connection, place, before, reader)
      return
    } catch (error) {
      if (!(error instanceof LogCorruptError)) throw error
      const now = await readManifest(connection, manifestPlaceOf(place))
      if (now.sequence === before.sequence || tries === TRIES_MAX) throw error
    }
    await reader.discard()
    await delay(RETRY_WAIT_MS)
  }
}

async function readOnce(
  connection: StoreLink,
  place: StoredPartition,
  { manifest, sequence }: { manifest: Manifest; sequence: number },
  reader: PartitionReader,
): Promise<void> {
  const { stream, service, realm, partition } = place
  const subject = logSubjectOf(place)
  const subjects = snapshotSubjects(service, realm, partition)
  const { snapshot } = manifest
  await reader.begin(sequence > 0 ? encodeManifest(manifest) : undefined)
  const last = await lastMessage(connection, { stream, subject, timeoutMs: CALL_MS_MAX })
  if (!last) checkFloor({ stream, subject, lastAppend: 0, floor: place.floor })
  if (!last) throw new LogCorruptError(subject, 0n, 'there is a manifest, but no log')
  let start: ChainStart = manifest.owner > 0 ? { kind: 'epoch', sequenceMax: manifest.owner } : { kind: 'epoch' }
  if (snapshot) {
    await loadSnapshot(connection, {
      stream,
      subjects,
      snapshot,
      load: (record) => {
        const where = { sequence: BigInt(snapshot.mark), epoch: BigInt(snapshot.epoch) }
        reader.record({ ...where, record, traceparent: undefined, fromSnapshot: true })
      },
      onChunk: (chunkSubject, chunk) => reader.chunk(chunkSubject, chunk.octets),
    })
    start = { kind: 'mark', sequence: snapshot.mark, epoch: snapshot.epoch, id: snapshot.id }
  }
  let batch: StoredMessage[] = []
  const { lastAppend } = await loadLog(connection, {
    stream,
    subject,
    start,
    epochSequence: last.sequence,
    load: (record) => reader.record(record),
    onMessage: (message) => void batch.push(message),
    afterBatch: async () => {
      const messages = batch
      batch = []
      await reader.messages(messages)
    },
  })
  checkFloor({ stream, subject, lastAppend, floor: place.floor })
}

function manifestPlaceOf({ service, realm, partition, stream }: StoredPartition): { stream: string; subject: string } {
  return { stream, subject: snapshotSubjects(service, realm, partition).manifest }
}
