import type { Impu } from '@rollcall/core'
import { type Appended, type LoadedRecord, type OwnedPartition, partitionOf } from '@rollcall/store'

/** What is needed of an owned partition. */
export type PartitionLog = Pick<OwnedPartition, 'isAvailable' | 'lost' | 'release'> & {
  append(record: Uint8Array, options: { readonly traceparent: string | undefined }): Promise<Appended>
}

/** What is needed of the service's partition logs. */
export interface PartitionSource {
  readonly partitions: number | undefined
  take(partition: number, load: (record: LoadedRecord) => void): Promise<PartitionLog>
}

/** The partitions of this process: which log an identity belongs to, and whether it is still ours. */
export class PartitionOwner {
  readonly #logs = new Map<number, PartitionLog>()
  #count = 0

  /**
   * Takes every partition; `load` gets each record. `onLost` hears when somebody else has taken one.
   *
   * @throws what the store throws, and what `load` throws.
   */
  async takeAll(
    source: PartitionSource,
    load: (record: LoadedRecord) => void,
    onLost: (partition: number) => void,
  ): Promise<void> {
    const count = source.partitions ?? 0
    this.#count = count
    await Promise.all(
      Array.from({ length: count }, async (_, partition) => {
        const log = await source.take(partition, load)
        this.#logs.set(partition, log)
        void log.lost.then(() => {
          this.#logs.delete(partition)
          onLost(partition)
        })
      }),
    )
  }

  partitionOf(canonicalImpu: Impu): number {
    return partitionOf(canonicalImpu, Math.max(1, this.#count))
  }

  /** The log of an identity's partition, as long as it is ours. */
  logOf(canonicalImpu: Impu): PartitionLog | undefined {
    return this.#logs.get(this.partitionOf(canonicalImpu))
  }

  /** Whether every partition was taken and none was lost. */
  get isWhole(): boolean {
    return this.#count > 0 && this.#logs.size === this.#count
  }

  async releaseAll(): Promise<void> {
    const logs = [...this.#logs.values()]
    this.#logs.clear()
    await Promise.all(logs.map((log) => log.release()))
  }
}
