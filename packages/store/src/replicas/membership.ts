import type { Clock, Random } from '@rollcall/core'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import { LeaseFormatError } from './errors.ts'
import { Floors } from './floors.ts'
import { isAlive, Judge, leaseOver } from './judge.ts'
import type { Lease } from './lease.ts'
import { decodeLease, type LeaseRecord } from './lease-record.ts'
import type { LeaseTiming } from './lease-timing.ts'
import { readLeases } from './look.ts'
import { type LeasePlace, remove, revoke } from './others-leases.ts'
import { OwnLease } from './own-lease.ts'
import type { ReplicaEvent } from './replica-event.ts'
import { differs, NOBODY_ELSE, type OthersView, viewOf } from './view.ts'

const INCARNATION_OCTETS = 8
/** Leases of replicas that never came back are removed after this. */
const DEAD_MS_MAX = 5 * 60_000
/** A name that another process has is taken back when its lease was not moved for so many times the silence. */
const NAME_FREE_SILENCES = 2

/** What a round of heartbeat and look brought. */
export type Round =
  /** The heartbeat is acknowledged, and what the others said no earlier than that is in `others`. */
  | { readonly kind: 'seen'; readonly isNews: boolean; readonly hasRevoked: boolean }
  /** Nothing is known: try again. */
  | { readonly kind: 'open' }
  | { readonly kind: 'deposed'; readonly why: 'revoked' | 'overtaken' }

/** What this replica's lease is to say. */
export interface Standing {
  readonly state: 'serving' | 'leaving' | 'gone'
  readonly held: ReadonlyMap<number, bigint>
}

/** This replica among the others: its lease, and what is to be seen of theirs. It knows nothing of what is done with partitions. */
export class Membership {
  readonly #connection: StoreLink
  readonly #clock: Clock
  readonly #random: Random
  readonly #replica: string
  readonly #target: string
  readonly #timing: LeaseTiming
  readonly #place: LeasePlace
  readonly #lease: OwnLease
  readonly #judge: Judge
  readonly #onEvent: (event: ReplicaEvent) => void
  /** How far each partition's log reaches at least: what all leases said that were seen, and what is told in one's own. */
  readonly floors: Floors
  /** Partitions of earlier incarnations of this name, and until when these may tell. */
  readonly #lingering = new Map<number, number>()
  #others = NOBODY_ELSE
  #rival: { readonly sequence: number; readonly sinceMs: number } | undefined

  constructor(o: {
    connection: StoreLink
    clock: Clock
    random: Random
    replica: string
    target: string
    partitions: number
    timing: LeaseTiming
    stream: string
    /** Subject of a lease but for the replica's name. */
    prefix: string
    onEvent: (event: ReplicaEvent) => void
  }) {
    const { connection, clock, timing, stream, prefix } = o
    this.#connection = connection
    this.#clock = clock
    this.#random = o.random
    this.#replica = o.replica
    this.#target = o.target
    this.#timing = timing
    this.#onEvent = o.onEvent
    this.floors = new Floors(o.partitions)
    this.#place = { connection, stream, prefix, timeoutMs: timing.heartbeatMs, partitions: o.partitions }
    const subject = `${prefix}${o.replica}`
    const { leaseMs, heartbeatMs } = timing
    this.#lease = new OwnLease({ connection, stream, subject, clock, leaseMs, attemptMs: heartbeatMs })
    this.#judge = new Judge(timing)
  }

  get lease(): Lease {
    return this.#lease
  }

  get incarnation(): string {
    return this.#lease.incarnation
  }

  /** What the others said last. */
  get others(): OthersView {
    return this.#others
  }

  /**
   * Becomes a member under a fresh incarnation.
   *
   * @throws LeaseContendedError, StreamMissingError, StoreUnavailableError, StoreDeniedError, JetStreamError
   */
  async join(standing: Standing): Promise<void> {
    const mine = this.#lease.incarnation
    const incarnation = this.#random.bytes(INCARNATION_OCTETS).toString('hex')
    const before = await this.#lease.acquire(incarnation, (lease) => {
      if (lease && lease !== 'unreadable') this.floors.merge(lease.floors)
      if (lease === 'unreadable' || (lease && lease.incarnation !== mine)) this.#linger(lease)
      return this.#content(standing)
    })
    this.#rival = undefined
    const tookOver = before !== undefined && (before === 'unreadable' || before.state !== 'gone')
    this.#onEvent({ kind: 'joined', incarnation, tookOver })
  }

  /** Beats once, and looks around if that was acknowledged. */
  async round(standing: Standing): Promise<Round> {
    const beaten = await this.#lease.beat(this.#content(standing))
    if (beaten.kind !== 'acknowledged') return beaten
    const leases = await this.#look()
    if (!leases) return { kind: 'open' }
    const nowMs = this.#clock.monotonic()
    this.#judge.look(leases, nowMs)
    for (const { record } of leases) if (record) this.floors.merge(record.floors)
    const before = this.#others
    this.#others = viewOf(leases)
    const hasRevoked = await this.#revokeSilent(nowMs)
    // What it knew of logs was merged when it was first seen, and stands in our own lease since.
    for (const dead of this.#judge.deadFor(DEAD_MS_MAX, nowMs).slice(0, 1)) await remove(this.#place, dead)
    return { kind: 'seen', isNews: differs(before, this.#others), hasRevoked }
  }

  /** When no earlier owner of a partition can tell anything any more, as far as was seen. */
  soleFromMs(partition: number): number {
    return Math.max(this.#judge.soleFromMs(partition), this.#lingering.get(partition) ?? 0)
  }

  /** When there is something to do though nobody moved; not before that is time to beat, perhaps. */
  nextDueMs(nowMs: number): number {
    const ends = [...this.#lingering.values()].filter((untilMs) => untilMs > nowMs)
    return Math.min(this.#judge.nextSilentMs, ...ends)
  }

  /** True when a heartbeat that was overheard says something new. A hint: it may be false, or come too early. */
  isNews(replica: string, data: Uint8Array): boolean {
    let lease: LeaseRecord
    try {
      lease = decodeLease(data)
    } catch (error) {
      if (error instanceof LeaseFormatError) return false
      throw error
    }
    if (replica === this.#replica) return lease.incarnation !== this.incarnation || lease.state === 'revoked'
    const known = this.#judge.leases.find((seen) => seen.replica === replica)?.record
    return known === undefined || saysOtherwise(known, lease)
  }

  /** May a process whose name was taken by another one have it back? That one is gone, or silent. */
  async isNameFree(): Promise<boolean> {
    try {
      const last = await this.#lease.read()
      if (!last || (last.record && !isAlive({ ...last, replica: this.#replica, previous: 0 }))) return true
      const nowMs = this.#clock.monotonic()
      if (this.#rival?.sequence !== last.sequence) this.#rival = { sequence: last.sequence, sinceMs: nowMs }
      return nowMs - this.#rival.sinceMs >= NAME_FREE_SILENCES * this.#timing.silenceMs
    } catch (error) {
      if (isStoreTrouble(error)) return false
      throw error
    }
  }

  /** Ends the lease here. */
  end(): void {
    this.#lease.end()
  }

  #content({ state, held }: Standing) {
    const nowMs = this.#clock.monotonic()
    for (const [partition, untilMs] of this.#lingering) if (untilMs <= nowMs) this.#lingering.delete(partition)
    return { target: this.#target, state, held, lingering: new Set(this.#lingering.keys()), floors: this.floors.all }
  }

  /** An incarnation before this one may tell on for a lease: the last heartbeat of it was sent before now. */
  #linger(before: LeaseRecord | 'unreadable'): void {
    const all = Array.from({ length: this.#place.partitions }, (_, partition) => partition)
    const partitions = before === 'unreadable' ? all : [...before.held.keys(), ...before.lingering]
    const untilMs = this.#clock.monotonic() + leaseOver(this.#timing)
    for (const partition of partitions) this.#lingering.set(partition, untilMs)
  }

  async #look() {
    try {
      return await readLeases(this.#connection, {
        ...this.#place,
        self: this.#replica,
        barrier: this.#lease.sequence,
      })
    } catch (error) {
      if (isStoreTrouble(error)) return undefined
      throw error
    }
  }

  async #revokeSilent(nowMs: number): Promise<boolean> {
    let hasRevoked = false
    for (const { lease, silentMs } of this.#judge.silent(nowMs)) {
      if (!(await revoke(this.#place, lease))) continue
      hasRevoked = true
      this.#onEvent({ kind: 'revoked', replica: lease.replica, silentMs })
    }
    return hasRevoked
  }
}

function saysOtherwise(one: LeaseRecord, other: LeaseRecord): boolean {
  const digest = ({ incarnation, state, held, lingering }: LeaseRecord): string =>
    [incarnation, state, ...[...held].flat(), '/', ...lingering].join(' ')
  return digest(one) !== digest(other)
}
