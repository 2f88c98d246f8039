import { FencedError, LogCorruptError } from '../errors.ts'
import { changeManifest, readManifest } from '../snapshot/change-manifest.ts'
import { loadSnapshot } from '../snapshot/load-snapshot.ts'
import type { Manifest } from '../snapshot/manifest.ts'
import type { SnapshotSubjects } from '../snapshot/snapshot-subjects.ts'
import type { StoreLink } from '../store-link.ts'
import type { ChainStart } from './chain.ts'
import { checkFloor } from './floor.ts'
import { type LoadedRecord, loadLog } from './load-log.ts'

const CLAIM_MS_MAX = 60_000

/** What a load has found. */
export interface LoadedPartition {
  /** Octets behind the snapshot. */
  readonly tailOctets: number
  readonly snapshotOctets: number
  /** Sequence of the last record or mark; 0 when there is none. */
  readonly lastAppend: number
}

/**
 * Loads a partition whose epoch message was just written: claims the manifest, then reads the snapshot that it names and the
 * log behind the mark.
 *
 * The claim is to snapshots what the epoch message is to appends. An owner that was replaced in the middle of one can no
 * longer name it, so it purges nothing but what lies below the snapshot that is loaded here; if it was first, its snapshot is
 * the one that is loaded, and true, since its mark was acknowledged in the chain.
 *
 * @throws FencedError when a later owner came meanwhile; LogCorruptError, LogTruncatedError when the log does not reach `floor`,
 *   StoreUnavailableError, StoreFullError, and what `load` throws
 */
export async function loadPartition(
  connection: StoreLink,
  o: {
    stream: string
    subject: string
    subjects: SnapshotSubjects
    partition: string
    epochSequence: number
    floor: bigint
    load: (record: LoadedRecord) => void
  },
): Promise<LoadedPartition> {
  const { stream, subjects, epochSequence } = o
  let before: Manifest | undefined
  const place = { stream, subject: subjects.manifest }
  const { manifest } = await changeManifest(connection, {
    ...place,
    partition: o.partition,
    epoch: BigInt(epochSequence),
    timeoutMs: CLAIM_MS_MAX,
    change: (current) => {
      if (current.owner === epochSequence) return undefined
      before = current
      return { owner: epochSequence, snapshot: current.snapshot }
    },
  })
  try {
    return await loadClaimed(connection, o, manifest, before?.owner ?? 0)
  } catch (error) {
    // A later owner may purge what we read: then nothing is broken but our being the owner.
    if (!(error instanceof LogCorruptError)) throw error
    const now = await readManifest(connection, place)
    if (now.manifest.owner > epochSequence) throw new FencedError(o.partition, BigInt(epochSequence))
    throw error
  }
}

async function loadClaimed(
  connection: StoreLink,
  o: {
    stream: string
    subject: string
    subjects: SnapshotSubjects
    epochSequence: number
    floor: bigint
    load: (record: LoadedRecord) => void
  },
  { snapshot }: Manifest,
  earlierOwner: number,
): Promise<LoadedPartition> {
  let start: ChainStart = earlierOwner > 0 ? { kind: 'epoch', sequenceMax: earlierOwner } : { kind: 'epoch' }
  if (snapshot) {
    const where = { sequence: BigInt(snapshot.mark), epoch: BigInt(snapshot.epoch) }
    const load = (record: Buffer): void => {
      o.load({ ...where, record, traceparent: undefined, fromSnapshot: true })
    }
    await loadSnapshot(connection, { ...o, snapshot, load })
    start = { kind: 'mark', sequence: snapshot.mark, epoch: snapshot.epoch, id: snapshot.id }
  }
  const { octets, lastAppend } = await loadLog(connection, { ...o, start })
  checkFloor({ ...o, lastAppend })
  return { tailOctets: octets, snapshotOctets: snapshot?.octets ?? 0, lastAppend }
}
