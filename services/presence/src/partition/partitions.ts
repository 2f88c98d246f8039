import { failSpan, startSpan } from '@rollcall/runtime'
import {
  type HeldPartition,
  type Member,
  partitionOf,
  type ReplicaView,
  type TakeContext,
  type TakePartition,
  type Whereabouts,
} from '@rollcall/store'
import { PartitionLostError } from '../errors.ts'
import { PartitionOwner } from './owner.ts'
import type { OwnerContext } from './owner-context.ts'
import type { PartitionSource } from './partition-log.ts'

/** Where the partitions of all replicas are found. */
export interface PartitionDirectory {
  /** Is it known how many partitions there are? */
  readonly isOpen: boolean
  /** Is there such a partition? */
  has(partition: number): boolean
  /** The partition of a presentity. */
  partitionOf(canonical: string): number
  /** Its owner, when that is this process and it serves. */
  ownerOf(partition: number): PartitionOwner | undefined
}

/** The logs of all partitions: `PartitionLogs` of the store. */
export interface PartitionLogSource extends PartitionSource {
  readonly partitions: number | undefined
}

/** What happened to a partition here. */
export type PartitionEvent = 'taken' | 'lost' | 'released' | 'failed'

export interface PartitionsOptions {
  readonly context: OwnerContext
  readonly view: ReplicaView
  /**
   * Called between the epoch of a partition and its first request: what was known of its users may be out of date, and so
   * may be what was asked about them before the epoch, for the owner until then was pushed their policies.
   */
  readonly onTaken: (partition: number) => void
  readonly onEvent: (event: PartitionEvent, partition: number, why?: unknown) => void
}

/** The partitions that this process was told to serve: `take` is what the replicas call. */
export class Partitions implements PartitionDirectory {
  readonly #o: PartitionsOptions
  readonly #owners = new Map<number, PartitionOwner>()
  #logs: PartitionLogSource | undefined

  constructor(options: PartitionsOptions) {
    this.#o = options
  }

  get isOpen(): boolean {
    return this.count > 0
  }

  /** How many there are; 0 before the store is open. */
  get count(): number {
    return this.#logs?.partitions ?? 0
  }

  has(partition: number): boolean {
    return partition < this.count
  }

  ownerOf(partition: number): PartitionOwner | undefined {
    const owner = this.#owners.get(partition)
    return owner?.isServing && this.#o.view.whereIs(partition).kind === 'here' ? owner : undefined
  }

  /** Where the partition is served: here only when its owner is there, too. */
  whereIs(partition: number): Whereabouts {
    const place = this.#o.view.whereIs(partition)
    return place.kind === 'here' && !this.#owners.get(partition)?.isServing ? { kind: 'moving' } : place
  }

  /** Its owner on another replica. */
  ownerElsewhere(partition: number): Member | undefined {
    const place = this.#o.view.whereIs(partition)
    return place.kind === 'at' ? place.member : undefined
  }

  partitionOf(canonical: string): number {
    return partitionOf(canonical, this.count)
  }

  /** The gRPC target of another replica that serves it; undefined when it is here, or nowhere now. */
  targetOf(partition: number): string | undefined {
    return this.ownerElsewhere(partition)?.target
  }

  onChange(listener: () => void): () => void {
    return this.#o.view.onChange(listener)
  }

  get owners(): readonly PartitionOwner[] {
    return [...this.#owners.values()]
  }

  /** From now on partitions can be taken. */
  open(logs: PartitionLogSource): void {
    this.#logs = logs
  }

  /** Takes one partition and serves it. */
  readonly take: TakePartition = async (partition, context) => {
    const { onTaken, onEvent } = this.#o
    const span = startSpan('presence load', { root: true, attributes: { 'rollcall.partition': partition } })
    try {
      const owner = await this.#load(partition, context)
      // guard: user-data-forget — the owner before may have been pushed a policy until our epoch was written, and not before
      onTaken(partition)
      this.#owners.set(partition, owner)
      onEvent('taken', partition)
      void owner.lost.then((why) => {
        this.#forget(owner)
        onEvent('lost', partition, why)
      })
      return this.#held(owner)
    } catch (error) {
      failSpan(span, codeOf(error))
      onEvent('failed', partition, error)
      throw error
    } finally {
      span.end()
    }
  }

  /** Gives up everything at once. */
  dropAll(): void {
    for (const owner of this.owners) {
      this.#forget(owner)
      owner.drop()
    }
  }

  async #load(partition: number, { sole, floor, signal }: TakeContext): Promise<PartitionOwner> {
    const logs = this.#logs
    if (!logs) throw new RangeError('the partition logs are not open')
    const lease = this.#o.view.leaseOf(partition)
    const owner = await PartitionOwner.take(logs, { partition, sole, floor, lease }, this.#o.context)
    if (!signal.aborted) return owner
    owner.drop()
    throw new PartitionLostError('not wanted any more')
  }

  #held(owner: PartitionOwner): HeldPartition {
    return {
      epoch: owner.epoch,
      get acknowledged() {
        return owner.acknowledged
      },
      lost: owner.lost,
      release: async () => {
        this.#forget(owner)
        await owner.release()
        this.#o.onEvent('released', owner.partition)
      },
      drop: () => {
        this.#forget(owner)
        owner.drop()
      },
    }
  }

  #forget(owner: PartitionOwner): void {
    if (this.#owners.get(owner.partition) === owner) this.#owners.delete(owner.partition)
  }
}

/** A code of ours, or the kind of error, never a message that might name somebody. */
function codeOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown'
}
