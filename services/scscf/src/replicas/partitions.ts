import { assert, type Impu } from '@rollcall/core'
import { type HeldPartition, partitionOf, type ReplicaView, type TakePartition } from '@rollcall/store'
import type { PartitionSource } from '../registrations/partition-log.ts'
import type { RegistrationSet } from '../registrations/registration.ts'
import { type PartitionParts, ServedPartition } from './served-partition.ts'

export interface PartitionsOptions {
  readonly view: Pick<ReplicaView, 'whereIs' | 'onChange'>
  /** Makes what a partition is made of; it is not loaded yet. */
  readonly createParts: (partition: number) => PartitionParts
}

/** The partitions that this replica has taken, each loaded aside while the others serve. */
export class Partitions {
  readonly #options: PartitionsOptions
  readonly #served = new Map<number, ServedPartition>()
  #source: PartitionSource | undefined

  constructor(options: PartitionsOptions) {
    this.#options = options
    options.view.onChange(() => this.#beginAnnounced())
  }

  /** From now on partitions can be taken. */
  open(source: PartitionSource): void {
    this.#source = source
  }

  /** How many there are; 0 before the store is open. */
  get count(): number {
    return this.#source?.partitions ?? 0
  }

  /** The partition of a registration set. */
  partitionOf(canonicalImpu: Impu): number {
    return partitionOf(canonicalImpu, this.count)
  }

  /** What is in memory of a partition, when it was taken. Whether it may be told the replicas know. */
  get(partition: number): ServedPartition | undefined {
    return this.#served.get(partition)
  }

  get served(): readonly ServedPartition[] {
    return [...this.#served.values()]
  }

  /** The set that an identity belongs to, in whatever partition of ours. */
  findByImpu(impu: Impu): RegistrationSet | undefined {
    for (const partition of this.#served.values()) {
      const set = partition.findByImpu(impu)
      if (set) return set
    }
    return undefined
  }

  /** Takes a partition: the service's side of `Replicas`. */
  readonly take: TakePartition = async (partition, { floor, signal }): Promise<HeldPartition> => {
    const source = this.#source
    assert(source !== undefined, 'partitions are taken from an open store')
    const parts = this.#options.createParts(partition)
    const log = await source.take(partition, (loaded) => parts.registrations.replay(loaded), { floor })
    const served = new ServedPartition({
      number: partition,
      parts,
      log,
      onEnd: () => {
        if (this.#served.get(partition) === served) this.#served.delete(partition)
      },
    })
    parts.registrations.open(log)
    if (signal.aborted) served.drop()
    else this.#served.set(partition, served)
    return served
  }

  /** Before the others know that it is here, two who took it could both tell the HSS, and neither would know. */
  #beginAnnounced(): void {
    for (const partition of this.#served.values()) {
      if (this.#options.view.whereIs(partition.number).kind === 'here') partition.begin()
    }
  }
}
