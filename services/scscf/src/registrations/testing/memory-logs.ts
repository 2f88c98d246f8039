import { type Appended, FencedError, type LoadedRecord, StoreUnavailableError } from '@rollcall/store'
import type { PartitionLog, PartitionSource } from '../partition-owner.ts'

/** Partition logs in memory: what was appended outlives who appended it. */
export class MemoryLogs implements PartitionSource {
  readonly partitions = 4
  readonly records = new Map<number, Buffer[]>()
  /** When false, nothing can be appended. */
  isAvailable = true
  /** The next append lands and its answer is lost. */
  losesAnswer = false
  /** Runs before an append is acknowledged. */
  beforeAck: () => Promise<void> = async () => {}
  readonly #fence = new Map<number, (error: FencedError) => void>()

  get appended(): number {
    return [...this.records.values()].reduce((sum, records) => sum + records.length, 0)
  }

  async take(partition: number, load: (record: LoadedRecord) => void): Promise<PartitionLog> {
    const records = this.records.get(partition) ?? []
    this.records.set(partition, records)
    for (const record of records) {
      load({ sequence: 1n, epoch: 1n, record, traceparent: undefined, fromSnapshot: false })
    }
    const { promise, resolve } = Promise.withResolvers<FencedError>()
    this.#fence.set(partition, resolve)
    const logs = this
    return {
      lost: promise,
      get isAvailable() {
        return logs.isAvailable
      },
      append: (record) => this.#append(records, record),
      release: async () => {},
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
}
