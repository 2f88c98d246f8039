import type { Clock, Random, Timer } from '@rollcall/core'
import { failSpan, startSpan } from '@rollcall/runtime'
import { partitionOf } from '@rollcall/store'
import { type OwnerContext, PartitionOwner } from './owner.ts'
import type { PartitionSource } from './partition-log.ts'

/** Partitions read from the log at a time: each holds some megabytes of it in memory meanwhile. */
const LOADS_MAX = 4
/** Waits before a partition that was lost, or could not be taken, is tried again; each a little differently. */
const RETAKE_MS: readonly number[] = [250, 500, 1_000, 2_000, 5_000, 10_000]

/** Where the partitions of this process are found. */
export interface PartitionDirectory {
  /** Is it known how many partitions there are? */
  readonly isOpen: boolean
  /** Is there such a partition? */
  has(partition: number): boolean
  /** Its owner, when that is this process and it serves. */
  ownerOf(partition: number): PartitionOwner | undefined
}

/** The logs of all partitions: `PartitionLogs` of the store. */
export interface PartitionLogSource extends PartitionSource {
  readonly partitions: number | undefined
}

/** What happened to a partition here. */
export type PartitionEvent = 'taken' | 'lost' | 'failed'

/**
 * Holds all partitions. `Choice:` one process owns them all today, so each is taken at start, and taken again when it
 * was lost; with replicas the assignment decides who takes which.
 */
export class Partitions implements PartitionDirectory {
  readonly #clock: Clock
  readonly #random: Random
  readonly #context: OwnerContext
  readonly #onEvent: (event: PartitionEvent, partition: number, why?: unknown) => void
  readonly #owners: (PartitionOwner | undefined)[] = []
  readonly #problems = new Map<number, string>()
  readonly #pauses = new Set<() => void>()
  readonly #stopped: Promise<void>
  #tellStopped: () => void = () => {}
  #keepers: Promise<void>[] = []
  #count = 0
  #loads = 0
  readonly #loadQueue: (() => void)[] = []
  #isStopped = false

  constructor(o: {
    readonly clock: Clock
    readonly random: Random
    readonly context: OwnerContext
    readonly onEvent: (event: PartitionEvent, partition: number, why?: unknown) => void
  }) {
    this.#clock = o.clock
    this.#random = o.random
    this.#context = o.context
    this.#onEvent = o.onEvent
    this.#stopped = new Promise((resolve) => {
      this.#tellStopped = resolve
    })
  }

  get isOpen(): boolean {
    return this.#count > 0
  }

  has(partition: number): boolean {
    return partition < this.#count
  }

  ownerOf(partition: number): PartitionOwner | undefined {
    return this.#owners[partition]
  }

  /** The partition of a presentity. */
  partitionOf(canonical: string): number {
    return partitionOf(canonical, this.#count)
  }

  get owners(): readonly PartitionOwner[] {
    return this.#owners.filter((owner) => owner !== undefined)
  }

  /** Why some partition is not served; nothing when all are. */
  get problems(): readonly string[] {
    if (!this.isOpen) return ['the partition logs are not open']
    const missing = this.#count - this.owners.length
    if (missing === 0) return []
    const reasons = new Set(this.#problems.values())
    return [`${missing} of ${this.#count} partitions are not served`, ...reasons]
  }

  /** Begins to take all partitions of `logs`, and goes on until `stop`. */
  open(logs: PartitionLogSource): void {
    this.#count = logs.partitions ?? 0
    this.#keepers = Array.from({ length: this.#count }, (_, partition) => this.#keep(logs, partition))
  }

  /** Releases all: what was decided becomes durable first. */
  async stop(): Promise<void> {
    this.#isStopped = true
    this.#tellStopped()
    for (const wake of [...this.#pauses]) wake()
    await Promise.all(this.owners.map((owner) => owner.release()))
    this.#owners.length = 0
    await Promise.all(this.#keepers)
  }

  /** Takes one partition, serves it until it is lost, and takes it again. */
  async #keep(logs: PartitionSource, partition: number): Promise<void> {
    for (let tries = 0; !this.#isStopped; tries++) {
      try {
        const owner = await this.#take(logs, partition)
        if (!owner) return
        tries = 0
        const why = await Promise.race([owner.lost, this.#stopped])
        if (this.#isStopped) return
        this.#owners[partition] = undefined
        this.#problems.set(partition, problemOf(why))
        this.#onEvent('lost', partition, why)
      } catch (error) {
        this.#problems.set(partition, problemOf(error))
        if (!this.#isStopped) this.#onEvent('failed', partition, error)
      }
      await this.#pause(tries)
    }
  }

  /** The owner, which serves from now on; undefined when all was stopped meanwhile. */
  async #take(logs: PartitionSource, partition: number): Promise<PartitionOwner | undefined> {
    await this.#enterLoad()
    const span = startSpan('presence load', { root: true, attributes: { 'rollcall.partition': partition } })
    try {
      const owner = await PartitionOwner.take(logs, partition, this.#context)
      if (this.#isStopped) {
        await owner.release()
        return undefined
      }
      this.#owners[partition] = owner
      this.#problems.delete(partition)
      this.#onEvent('taken', partition)
      return owner
    } catch (error) {
      failSpan(span, problemOf(error))
      throw error
    } finally {
      span.end()
      this.#loads -= 1
      this.#loadQueue.shift()?.()
    }
  }

  async #enterLoad(): Promise<void> {
    if (this.#loads >= LOADS_MAX) await new Promise<void>((resolve) => this.#loadQueue.push(resolve))
    this.#loads += 1
  }

  #pause(tries: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve()
    const baseMs = RETAKE_MS[Math.min(tries, RETAKE_MS.length - 1)] ?? 0
    const waitMs = baseMs * (1 + (this.#random.bytes(1)[0] ?? 0) / 256)
    return new Promise((resolve) => {
      const wake = (): void => {
        timer.cancel()
        this.#pauses.delete(wake)
        resolve()
      }
      const timer: Timer = this.#clock.setTimer(waitMs, wake)
      this.#pauses.add(wake)
    })
  }
}

/** In words for /readyz: a code of ours, or the kind of error, never a message that might name somebody. */
function problemOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown'
}
