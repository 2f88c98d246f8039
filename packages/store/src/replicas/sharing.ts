import type { Clock } from '@rollcall/core'
import { assign, planMoves } from './assignment.ts'
import type { Holdings } from './holdings.ts'
import type { Membership } from './membership.ts'

/** What is needed of the membership. */
type Seen = Pick<Membership, 'others' | 'soleFromMs'>

/**
 * Decides what this replica takes, hands over and gives up, after each look at the others.
 *
 * A partition is listed in the lease, and that is acknowledged, before it is taken. So of two who take the same one, each
 * after a look, one always sees the other; and who takes after our look wrote its epoch after ours, and knows what we knew.
 *
 * @see docs/decisions/007-leases-and-soleness.md
 */
export class Sharing {
  readonly #self: string
  readonly #partitions: number
  readonly #clock: Clock
  readonly #membership: Seen
  readonly #holdings: Holdings
  #assigned: readonly string[] = []
  #assignedTo = ''
  #nextSoleMs = Number.POSITIVE_INFINITY

  constructor(o: { self: string; partitions: number; clock: Clock; membership: Seen; holdings: Holdings }) {
    this.#self = o.self
    this.#partitions = o.partitions
    this.#clock = o.clock
    this.#membership = o.membership
    this.#holdings = o.holdings
  }

  /** Partitions that this replica is to serve, as things stand. */
  get own(): readonly number[] {
    return this.#assigned.flatMap((replica, partition) => (replica === this.#self ? [partition] : []))
  }

  /** False before the first look at the others: then it is not known yet what this one is to serve. */
  get isAssigned(): boolean {
    return this.#assigned.length > 0
  }

  /** When somebody's lease ends that a partition waits for. */
  get nextSoleMs(): number {
    return this.#nextSoleMs
  }

  /** Acts on what was seen after a heartbeat that listed `announced` was acknowledged. */
  act(announced: ReadonlyMap<number, bigint>, isLeaving: boolean): void {
    this.#yieldToHigherEpochs()
    this.#assignAnew(isLeaving)
    this.#settleClaims(announced)
    this.#move()
    if (isLeaving && this.#assigned.length === 0) this.#holdings.releaseAll()
    this.#tellSole(announced)
  }

  #yieldToHigherEpochs(): void {
    for (const [partition, epoch] of this.#holdings.listed) {
      const other = this.#membership.others.listings.get(partition)
      // guard: yield-to-epoch — the later epoch has it
      if (epoch > 0n && other && other.epoch > epoch) this.#holdings.drop(partition, 'overtaken')
    }
  }

  #assignAnew(isLeaving: boolean): void {
    const names = [...this.#membership.others.serving, ...(isLeaving ? [] : [this.#self])].sort()
    const assignedTo = names.join()
    if (assignedTo === this.#assignedTo) return
    this.#assignedTo = assignedTo
    this.#assigned = assign(this.#partitions, names)
  }

  /** Takes what is claimed, once nobody else has it. Of two who claim, the one with the older view gives way. */
  #settleClaims(announced: ReadonlyMap<number, bigint>): void {
    for (const [partition, state] of this.#holdings.states) {
      // guard: announce-before-take — of two who take a partition each must have said so before, or neither sees the other
      if (state !== 'claimed' || !announced.has(partition)) continue
      const other = this.#membership.others.listings.get(partition)
      if (this.#assigned[partition] !== this.#self || other?.loaded) this.#holdings.withdraw(partition)
      else if (!other) this.#holdings.start(partition)
    }
  }

  #move(): void {
    const { claim, release } = planMoves({
      self: this.#self,
      assigned: this.#assigned,
      others: this.#membership.others.listings,
      own: this.#holdings.states,
      deferred: this.#holdings.deferred(this.#clock.monotonic()),
    })
    for (const partition of claim) this.#holdings.claim(partition)
    for (const partition of release) this.#holdings.release(partition)
  }

  /** Judges by what lay there after the epoch: that was announced with the heartbeat before the look. */
  #tellSole(announced: ReadonlyMap<number, bigint>): void {
    const nowMs = this.#clock.monotonic()
    this.#nextSoleMs = Number.POSITIVE_INFINITY
    for (const partition of this.#holdings.notSole) {
      // guard: sole-announced — what was seen before our epoch does not show who took it meanwhile
      if (!announced.get(partition)) continue
      const fromMs = this.#membership.soleFromMs(partition)
      // guard: sole-wait — an owner before may still tell until its lease is over
      if (fromMs <= nowMs) this.#holdings.becomeSole(partition)
      else this.#nextSoleMs = Math.min(this.#nextSoleMs, fromMs)
    }
  }
}
