import { assert, RollcallError } from '@rollcall/core'
import { purge } from '../jetstream-api.ts'
import type { Appended } from '../log/append-queue.ts'
import type { LogEvent } from '../log/log-event.ts'
import type { StreamGate } from '../log/stream-gate.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import { changeManifest } from './change-manifest.ts'
import { writeChunks } from './chunk-writer.ts'
import type { SnapshotManifest } from './manifest.ts'
import { chunksOfSnapshot, type SnapshotSubjects } from './snapshot-subjects.ts'

/** Below this a log is read so fast that a snapshot is not worth its writing. */
const TAIL_OCTETS_MIN = 4 * 1024 * 1024
/** After a snapshot that failed the next one is not wanted for so long, twice as long after each further one. */
const BACK_OFF_MS = 5_000
const BACK_OFF_MS_MAX = 300_000
const NAME_MS_MAX = 30_000
/** A purge of 100,000 messages takes seconds. */
const PURGE_MS_MAX = 30_000
const CLEAN_UP_MS_MAX = 5_000

/** What became of a snapshot that is in force now. */
export interface SnapshotResult {
  /** Sequence of its mark: it stands for everything before that. */
  readonly mark: bigint
  readonly records: number
  readonly chunks: number
  readonly octets: number
  /** Messages that were removed from below it; undefined when that failed, and the next snapshot will do it. */
  readonly purged: number | undefined
  readonly durationMs: number
}

export interface PartitionSnapshotsOptions {
  readonly connection: StoreLink
  readonly stream: string
  readonly logSubject: string
  readonly subjects: SnapshotSubjects
  readonly partition: string
  readonly epoch: bigint
  readonly gate: StreamGate
  readonly onEvent: (event: LogEvent) => void
  /** What a load read: octets behind the last snapshot, and those of the snapshot. */
  readonly tailOctets: number
  readonly snapshotOctets: number
}

/** The snapshots of one owned partition: when one is due, and how one is written. */
export class PartitionSnapshots {
  readonly #o: PartitionSnapshotsOptions
  readonly #abort = new AbortController()
  #tail: number
  #snapshotOctets: number
  /** Octets before the mark that was acknowledged last. */
  #tailAtMark = 0
  #isUnderWay = false
  #failures = 0
  #notBeforeMs = Number.NEGATIVE_INFINITY

  constructor(o: PartitionSnapshotsOptions) {
    this.#o = o
    this.#tail = o.tailOctets
    this.#snapshotOctets = o.snapshotOctets
  }

  get tailOctets(): number {
    return this.#tail
  }

  get isUnderWay(): boolean {
    return this.#isUnderWay
  }

  /** The tail has outgrown the snapshot, so that what snapshots cost stays in proportion to what is appended. */
  get isWanted(): boolean {
    const isDue = this.#tail > Math.max(TAIL_OCTETS_MIN, this.#snapshotOctets)
    return isDue && !this.#isUnderWay && this.#o.connection.clock.monotonic() >= this.#notBeforeMs
  }

  /** A message of the log was acknowledged. */
  appended(octets: number, isMark: boolean): void {
    if (isMark) this.#tailAtMark = this.#tail
    this.#tail += octets
  }

  /** Ends a snapshot under way, with this error; nothing of it is sent any more. */
  end(error: Error): void {
    this.#abort.abort(error)
  }

  /**
   * Writes a snapshot whose mark is on its way: chunks, then the manifest, then the purge of what it stands for.
   *
   * @throws what `mark` rejects with; FencedError, StoreFullError, StoreUnavailableError, RecordTooLargeError, LogCorruptError,
   *   what `records` throws, and the error of `end`: the snapshot before it stays in force
   */
  async write(o: { id: string; mark: Promise<Appended>; records: Iterable<Uint8Array> }): Promise<SnapshotResult> {
    assert(!this.#isUnderWay, 'one snapshot is under way a partition')
    this.#isUnderWay = true
    const { clock } = this.#o.connection
    const startMs = clock.monotonic()
    try {
      const snapshot = await this.#writeAll(o)
      this.#failures = 0
      this.#tail -= this.#tailAtMark
      this.#snapshotOctets = snapshot.octets
      const purged = await this.#purgeBelow(snapshot.mark, snapshot.manifestSequence)
      const { records, chunks, octets } = snapshot
      const durationMs = clock.monotonic() - startMs
      const result = { mark: BigInt(snapshot.mark), records, chunks, octets, purged, durationMs }
      this.#o.onEvent({ kind: 'snapshot', partition: this.#o.partition, records, octets, durationMs })
      return result
    } catch (error) {
      this.#failures += 1
      this.#notBeforeMs = clock.monotonic() + Math.min(BACK_OFF_MS * 2 ** (this.#failures - 1), BACK_OFF_MS_MAX)
      this.#o.onEvent({ kind: 'snapshot-failed', partition: this.#o.partition, code: codeOf(error) })
      throw error
    } finally {
      this.#isUnderWay = false
    }
  }

  async #writeAll(o: {
    id: string
    mark: Promise<Appended>
    records: Iterable<Uint8Array>
  }): Promise<SnapshotManifest & { readonly manifestSequence: number }> {
    const { connection, partition, epoch, stream, subjects } = this.#o
    const { signal } = this.#abort
    const mark = Number((await o.mark).sequence)
    signal.throwIfAborted()
    let snapshot: SnapshotManifest
    try {
      const written = await writeChunks({ ...this.#o, signal }, o.id, o.records)
      snapshot = { id: o.id, mark, epoch: Number(epoch), ...written }
    } catch (error) {
      await this.#cleanUp(o.id)
      throw error
    }
    const named = await changeManifest(connection, {
      stream,
      subject: subjects.manifest,
      partition,
      epoch,
      timeoutMs: NAME_MS_MAX,
      signal,
      change: (current) => (current.snapshot?.id === o.id ? undefined : { owner: Number(epoch), snapshot }),
    })
    return { ...snapshot, manifestSequence: named.sequence }
  }

  /** What is below the mark is not read any more, neither by who loads this snapshot nor by who loads a later one. */
  async #purgeBelow(mark: number, manifestSequence: number): Promise<number | undefined> {
    const { logSubject, subjects } = this.#o
    try {
      const purged = await this.#purge(logSubject, mark)
      const chunks = await this.#purge(subjects.chunks, mark)
      const manifests = await this.#purge(subjects.manifest, manifestSequence)
      return purged + chunks + manifests
    } catch (error) {
      if (isStoreTrouble(error)) return undefined
      throw error
    }
  }

  async #purge(subject: string, below: number): Promise<number> {
    const { connection, stream } = this.#o
    return await purge(connection, { stream, subject, below, timeoutMs: PURGE_MS_MAX })
  }

  /** Removes the chunks of a snapshot that no manifest names and none will; the next one does it if this fails. */
  async #cleanUp(id: string): Promise<void> {
    const { connection, stream, subjects } = this.#o
    if (!connection.isConnected) return
    try {
      const subject = chunksOfSnapshot(subjects, id)
      await purge(connection, { stream, subject, timeoutMs: CLEAN_UP_MS_MAX })
    } catch (error) {
      if (!isStoreTrouble(error)) throw error
    }
  }
}

function codeOf(error: unknown): string {
  return error instanceof RollcallError ? error.code : 'INTERNAL'
}
