import type { Clock } from '@rollcall/core'
import { checkStream } from '../check-stream.ts'
import { StreamMismatchError } from '../errors.ts'
import { streamInfo } from '../jetstream-api.ts'
import {
  checkShape,
  type LogService,
  logStreamsOf,
  logSubject,
  METADATA_PARTITIONS,
  METADATA_SHARDS,
  PARTITIONS_MAX,
  type StoreShape,
  shardStreamName,
} from '../layout.ts'
import { PartitionSnapshots } from '../snapshot/partition-snapshots.ts'
import { snapshotSubjects } from '../snapshot/snapshot-subjects.ts'
import type { StoreLink } from '../store-link.ts'
import { ChainWriter } from './chain-writer.ts'
import { writeEpoch } from './epoch.ts'
import type { LoadedRecord } from './load-log.ts'
import { loadPartition } from './load-partition.ts'
import type { LogEvent } from './log-event.ts'
import { OwnedPartition } from './owned-partition.ts'
import { StreamGate } from './stream-gate.ts'

/** How long an owner's callers wait for an append before they are told that its outcome is open. */
const APPEND_TIMEOUT_MS = 3_000
const INFO_MS_MAX = 5_000
/** A partition named by a pod: one token of a subject. */
const PARTITION_NAME = /^[A-Za-z0-9_-]{1,63}$/

export interface PartitionLogsOptions {
  readonly connection: StoreLink
  readonly service: LogService
  readonly realm: string
  readonly clock: Clock
  readonly appendTimeoutMs?: number
  readonly onEvent?: (event: LogEvent) => void
}

/** What a partition is taken with. */
export interface TakeOptions {
  /** Sequence of a record that is known to have been acknowledged: `TakeContext.floor`. None by default. */
  readonly floor?: bigint
}

/** The partition logs of one service. */
export class PartitionLogs {
  /** How many partitions there are; undefined for a service whose partitions are named by its pods. */
  readonly partitions: number | undefined
  readonly #o: PartitionLogsOptions
  /** The streams in the order of their shards, each with its gate. */
  readonly #streams: readonly (readonly [string, StreamGate])[]

  private constructor(o: PartitionLogsOptions, shape: StoreShape | undefined, streams: [string, StreamGate][]) {
    this.#o = o
    this.partitions = shape?.partitions
    this.#streams = streams
  }

  /**
   * Looks at the streams of the service and creates nothing.
   *
   * @throws StreamMissingError, StreamMismatchError, StoreUnavailableError, StoreDeniedError, JetStreamError
   */
  static async open(o: PartitionLogsOptions): Promise<PartitionLogs> {
    const shape = o.service === 'pcscf' ? undefined : await readShape(o.connection, o.service)
    const streams: [string, StreamGate][] = []
    for (const layout of logStreamsOf(o.service, shape)) {
      const { config } = await streamInfo(o.connection, layout.name, INFO_MS_MAX)
      checkStream(layout, config)
      // A replicated stream commits in groups: there all partitions may write side by side.
      const isReplicated = Number(config.num_replicas) > 1
      streams.push([layout.name, new StreamGate(isReplicated ? PARTITIONS_MAX : 1)])
    }
    return new PartitionLogs(o, shape, streams)
  }

  /**
   * Makes this process the owner of a partition: writes an epoch message without any expectation, which fences every
   * earlier owner, then gives `load` each record of the snapshot in force, and each behind it up to the epoch message, in
   * order. `load` copies what it keeps. A log that ends before `floor`, a record that is known to have been acknowledged,
   * is refused.
   *
   * @throws FencedError when somebody else took it meanwhile; LogCorruptError, LogTruncatedError, StoreUnavailableError,
   *   StoreFullError, JetStreamError, StoreDeniedError, and what `load` throws
   */
  async take(
    partition: number | string,
    load: (record: LoadedRecord) => void,
    { floor = 0n }: TakeOptions = {},
  ): Promise<OwnedPartition> {
    const { connection, service, realm, clock } = this.#o
    const [stream, gate] = this.#streamOf(partition)
    const name = String(partition)
    const subject = logSubject(service, realm, name)
    const subjects = snapshotSubjects(service, realm, name)
    const onEvent = this.#o.onEvent ?? (() => {})
    const startMs = clock.monotonic()
    const epochSequence = await writeEpoch(connection, { subject, partition: name })
    let records = 0
    const loaded = await loadPartition(connection, {
      stream,
      subject,
      subjects,
      partition: name,
      epochSequence,
      floor,
      load: (record) => {
        records += 1
        load(record)
      },
    })
    onEvent({ kind: 'taken', partition: name, records, durationMs: clock.monotonic() - startMs })
    return new OwnedPartition({
      partition: name,
      connection,
      writer: new ChainWriter({ connection, stream, subject, partition: name, epochSequence }),
      gate,
      acknowledged: BigInt(loaded.lastAppend),
      snapshots: new PartitionSnapshots({
        connection,
        stream,
        logSubject: subject,
        subjects,
        partition: name,
        epoch: BigInt(epochSequence),
        gate,
        onEvent,
        ...loaded,
      }),
      appendTimeoutMs: this.#o.appendTimeoutMs ?? APPEND_TIMEOUT_MS,
      onEvent,
    })
  }

  #streamOf(partition: number | string): readonly [string, StreamGate] {
    const isThere =
      typeof partition === 'number'
        ? Number.isInteger(partition) && partition >= 0 && partition < (this.partitions ?? 0)
        : this.partitions === undefined && PARTITION_NAME.test(partition)
    const found = this.#streams[typeof partition === 'number' ? partition % this.#streams.length : 0]
    if (!isThere || !found) throw new RangeError(`${this.#o.service} has no partition ${JSON.stringify(partition)}`)
    return found
  }
}

/** How the partitions were cut when the store was initialised: the first shard says it. */
async function readShape(connection: StoreLink, service: LogService): Promise<StoreShape> {
  const stream = shardStreamName(service, 0)
  const { config } = await streamInfo(connection, stream, INFO_MS_MAX)
  const shape = {
    partitions: Number(config.metadata?.[METADATA_PARTITIONS]),
    shards: Number(config.metadata?.[METADATA_SHARDS]),
  }
  try {
    checkShape(shape)
  } catch {
    throw new StreamMismatchError(stream, 'metadata', config.metadata, [METADATA_PARTITIONS, METADATA_SHARDS])
  }
  return shape
}
