import type { LeaseRecord } from './lease-record.ts'
import type { LeaseTiming } from './lease-timing.ts'

/** A lease as it lies in the store. */
export interface SeenLease {
  readonly replica: string
  readonly sequence: number
  /** Sequence that its writer expected to replace: 0 for none. */
  readonly previous: number
  /** Undefined when it cannot be read: a later release may have written it. */
  readonly record: LeaseRecord | undefined
}

/** Clock rates of two machines differ by less than this share; what is waited for another one's lease is longer by it. */
const CLOCK_RATE_MARGIN = 0.1

interface Watched {
  readonly lease: SeenLease
  /** When this message was first seen here. It was sent before. */
  readonly seenMs: number
  /** A heartbeat that this message replaced, or this one, was sent before. */
  readonly sentByMs: number
  /** From when on its not moving counts. */
  countedFromMs: number
}

/** May this replica still tell something, and take partitions? Who cannot be read may. */
export function isAlive({ record }: SeenLease): boolean {
  return record === undefined || record.state === 'serving' || record.state === 'leaving'
}

/**
 * Watches the leases of others: who is silent, and until when somebody who was revoked may still tell. Only sequences and
 * this replica's own monotonic clock count, no clock of others and none of the store. Pure: time comes in.
 *
 * @see docs/decisions/007-leases-and-soleness.md
 */
export class Judge {
  readonly #timing: LeaseTiming
  readonly #watched = new Map<string, Watched>()
  #lastLookMs = Number.NEGATIVE_INFINITY

  /** @throws RangeError when a lease may outlive the silence that it is ended for. */
  constructor(timing: LeaseTiming) {
    if (!(timing.silenceMs >= timing.leaseMs) || !(timing.heartbeatMs > 0 && timing.heartbeatMs * 2 <= timing.leaseMs))
      throw new RangeError(`a lease cannot be timed by ${JSON.stringify(timing)}`)
    this.#timing = timing
  }

  /** Takes in what lay there, read after a heartbeat of one's own was acknowledged: all leases but one's own. */
  look(leases: readonly SeenLease[], nowMs: number): void {
    // Who could not see for a while knows of nobody's silence, and least of all when all could not (an election).
    const isGap = nowMs - this.#lastLookMs > this.#timing.leaseMs / 2
    this.#lastLookMs = nowMs
    const names = new Set(leases.map(({ replica }) => replica))
    for (const replica of this.#watched.keys()) if (!names.has(replica)) this.#watched.delete(replica)
    for (const lease of leases) {
      const known = this.#watched.get(lease.replica)
      if (known?.lease.sequence === lease.sequence) {
        // guard: judge-gap — who could not see knows of nobody’s silence
        if (isGap) known.countedFromMs = nowMs
        continue
      }
      const sentByMs = known && lease.previous === known.lease.sequence ? known.seenMs : nowMs
      this.#watched.set(lease.replica, { lease, seenMs: nowMs, sentByMs, countedFromMs: nowMs })
    }
  }

  /** What was seen last. */
  get leases(): readonly SeenLease[] {
    return [...this.#watched.values()].map(({ lease }) => lease)
  }

  /** Those who are to be revoked, each with how long it was silent: its lease was not moved for `silenceMs`. */
  silent(nowMs: number): readonly { readonly lease: SeenLease; readonly silentMs: number }[] {
    return [...this.#watched.values()]
      .filter(({ lease, countedFromMs }) => isAlive(lease) && nowMs - countedFromMs >= this.#timing.silenceMs)
      .map(({ lease, seenMs }) => ({ lease, silentMs: nowMs - seenMs }))
  }

  /** When somebody will have been silent for too long, if nothing moves. */
  get nextSilentMs(): number {
    const alive = [...this.#watched.values()].filter(({ lease }) => isAlive(lease))
    return Math.min(...alive.map(({ countedFromMs }) => countedFromMs + this.#timing.silenceMs))
  }

  /**
   * When nobody but this replica can tell anything of a partition any more, by what was seen last. Infinity: not before
   * somebody who is alive gives it up.
   */
  soleFromMs(partition: number): number {
    return Math.max(0, ...[...this.#watched.values()].map((watched) => this.#tellsUntilMs(watched, partition)))
  }

  /** Leases that nobody will take up again: they have said good-bye, or were revoked, so long ago. */
  deadFor(ms: number, nowMs: number): readonly SeenLease[] {
    return [...this.#watched.values()]
      .filter(({ lease, seenMs }) => !isAlive(lease) && nowMs - seenMs >= ms)
      .map(({ lease }) => lease)
  }

  #tellsUntilMs({ lease, seenMs, sentByMs }: Watched, partition: number): number {
    const { record } = lease
    // guard: sole-unreadable — who cannot be read may hold anything
    if (!record) return Number.POSITIVE_INFINITY
    const isListed = record.held.has(partition) || record.lingering.has(partition)
    if (!isListed) return 0
    switch (record.state) {
      case 'serving':
      case 'leaving':
        return Number.POSITIVE_INFINITY
      case 'revoked':
        // guard: sole-revoked — a revoked replica may not know it yet
        return sentByMs + leaseOver(this.#timing)
      case 'gone':
        return seenMs + leaseOver(this.#timing)
    }
  }
}

/** So long after a heartbeat was seen here its lease is over wherever it was sent, however clocks differ. */
export function leaseOver({ leaseMs }: LeaseTiming): number {
  return leaseMs * (1 + CLOCK_RATE_MARGIN)
}
