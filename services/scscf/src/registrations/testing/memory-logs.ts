import {
  type Appended,
  FencedError,
  type LoadedRecord,
  PartitionReleasedError,
  StoreUnavailableError,
  type TakeOptions,
} from '@rollcall/store'
import type { PartitionLog, PartitionSource } from '../partition-log.ts'

/** Partition logs in memory: what was appended outlives who appended it. */
export class MemoryLogs implements PartitionSource {
  readonly partitions: number
  /** Behind the snapshot. */
  readonly records = new Map<number, Buffer[]>()
  readonly snapshots = new Map<number, Buffer[]>()
  /** When false, nothing can be appended. */
  isAvailable = true
  /** The next append lands and its answer is lost. */
  losesAnswer = false
  /** Ask for a snapshot after the next append. */
  wantsSnapshot = false
  /** The next snapshots fail with this. */
  snapshotError: Error | undefined
  /** Runs before an append is acknowledged. */
  beforeAck: () => Promise<void> = async () => {}
  /** What each partition was taken with last. */
  readonly floors = new Map<number, bigint | undefined>()
  readonly #epochs = new Map<number, bigint>()
  readonly #fence = new Map<number, (error: FencedError) => void>()

  constructor(partitions = 1) {
    this.partitions = partitions
  }

  get appended(): number {
    return [...this.records.values()].reduce((sum, records) => sum + records.length, 0)
  }

  async take(
    partition: number,
    load: (record: LoadedRecord) => void,
    { floor }: TakeOptions = {},
  ): Promise<PartitionLog> {
    this.floors.set(partition, floor)
    const records = this.records.get(partition) ?? []
    this.records.set(partition, records)
    const loaded = { sequence: 1n, epoch: 1n, traceparent: undefined }
    for (const record of this.snapshots.get(partition) ?? []) load({ ...loaded, record, fromSnapshot: true })
    for (const record of records) load({ ...loaded, record, fromSnapshot: false })
    const { promise, resolve } = Promise.withResolvers<FencedError>()
    this.#fence.set(partition, resolve)
    const epoch = (this.#epochs.get(partition) ?? 0n) + 1n
    this.#epochs.set(partition, epoch)
    const logs = this
    let isOver = false
    return {
      epoch,
      acknowledged: 1n,
      lost: promise,
      get isAvailable() {
        return logs.isAvailable
      },
      get wantsSnapshot() {
        return logs.wantsSnapshot
      },
      append: (record) => {
        if (isOver) return Promise.reject(new PartitionReleasedError(String(partition)))
        return this.#append(records, record)
      },
      snapshot: (parts) => this.#snapshot(partition, parts),
      release: async () => {
        isOver = true
      },
      drop: () => {
        isOver = true
      },
    }
  }

  /** Somebody else takes the partition. */
  fence(partition: number): void {
    this.#fence.get(partition)?.(new FencedError(String(partition), 1n))
  }

  async #append(records: Buffer[], record: Uint8Array): Promise<Appended> {
    if (!this.isAvailable) throw new StoreUnavailableError('disconnected', 'refused')
    records.push(Buffer.from(record))
    if (this.losesAnswer) throw new StoreUnavailableError('unsettled', 'open')
    await this.beforeAck()
    return { sequence: 1n, epoch: 1n }
  }

  /** What was appended before the call is gone, the values are read in a later turn. */
  async #snapshot(partition: number, parts: Iterable<Uint8Array>): Promise<void> {
    this.wantsSnapshot = false
    if (this.snapshotError) throw this.snapshotError
    this.records.get(partition)?.splice(0)
    await new Promise((next) => setImmediate(next))
    this.snapshots.set(
      partition,
      [...parts].map((part) => Buffer.from(part)),
    )
  }
}
