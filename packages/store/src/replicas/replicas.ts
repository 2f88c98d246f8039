import { assertNever, type Clock, type Random } from '@rollcall/core'
import { checkStream } from '../check-stream.ts'
import { LogTruncatedError } from '../errors.ts'
import { streamInfo } from '../jetstream-api.ts'
import { leaseStreamOf, leaseSubjectPrefix, type ReplicatedService } from '../layout.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import { LeaseContendedError } from './errors.ts'
import type { TakePartition } from './held-partition.ts'
import { Holdings } from './holdings.ts'
import type { Lease } from './lease.ts'
import { DEFAULT_LEASE_TIMING, type LeaseTiming } from './lease-timing.ts'
import type { Member, Whereabouts } from './member.ts'
import { Membership } from './membership.ts'
import type { ReplicaEvent } from './replica-event.ts'
import type { ReplicaGroup } from './replica-group.ts'
import { Sharing } from './sharing.ts'

const INFO_MS_MAX = 5_000
/** A replica's name is one token of a subject. */
const REPLICA_NAME = /^[A-Za-z0-9_-]{1,63}$/
/** A round that brought nothing is tried again after this. */
const RETRY_WAIT_MS = 50
/** Two rounds that nothing new calls for are at least so far apart. */
const ROUND_WAIT_MS = 10
/** Who leaves hands over for so long while others take, then releases all that is left. */
const HAND_OVER_MS_MAX = 5_000
/** Who leaves does not wait longer than this for anything. */
const LEAVE_MS_MAX = 20_000
/** The good-bye is tried so often. */
const FAREWELLS_MAX = 3

export interface ReplicasOptions {
  readonly connection: StoreLink
  readonly service: ReplicatedService
  readonly realm: string
  /** Name of this replica, the pod's: `A-Z a-z 0-9 _ -`, at most 63. It outlives a restart. */
  readonly replica: string
  /** `HOST:PORT` where the others reach it by gRPC. */
  readonly target: string
  readonly partitions: number
  readonly clock: Clock
  readonly random: Random
  /** Called for each partition that this replica is to serve. */
  readonly take: TakePartition
  readonly timing?: Partial<LeaseTiming>
  readonly onEvent?: (event: ReplicaEvent) => void
}

/** `revoked`: it was silent, and joins again. `overtaken`: another process has its name, and it waits. */
type Phase = 'member' | 'revoked' | 'overtaken' | 'left'

/** The replicas of a service, who share its partitions by their leases. */
export class Replicas implements ReplicaGroup {
  readonly #o: ReplicasOptions
  readonly #timing: LeaseTiming
  readonly #membership: Membership
  readonly #holdings: Holdings
  readonly #sharing: Sharing
  readonly #listeners = new Set<() => void>()
  readonly #unsubscribe: (() => void)[] = []
  readonly #left = Promise.withResolvers<void>()
  #phase: Phase = 'member'
  #isLeaving = false
  #isHasty = false
  #isWoken = false
  #wake: (() => void) | undefined

  private constructor(o: ReplicasOptions, timing: LeaseTiming) {
    const { connection, clock, replica: self, partitions } = o
    const onEvent = (event: ReplicaEvent): void => o.onEvent?.(event)
    const stream = leaseStreamOf(o.service).name
    const prefix = leaseSubjectPrefix(o.service, o.realm)
    const membership = new Membership({ ...o, timing, stream, prefix, onEvent })
    const holdings = new Holdings({
      clock,
      take: o.take,
      floors: membership.floors,
      onEvent,
      onChange: () => this.#onHoldings(),
    })
    this.#o = o
    this.#timing = timing
    this.#membership = membership
    this.#holdings = holdings
    this.#sharing = new Sharing({ self, partitions, clock, membership, holdings })
    const stopHints = connection.subscribe?.(`${prefix}*`, (data, subject) => {
      if (membership.isNews(subject.slice(prefix.length), data)) this.#wakeUp()
    })
    const stopStatus = connection.onStatus?.((status) => {
      if (status === 'connected') this.#wakeUp()
    })
    const stopLease = membership.lease.onChange((isLive) => onEvent({ kind: 'lease', isLive }))
    for (const stop of [stopHints, stopStatus, stopLease]) if (stop) this.#unsubscribe.push(stop)
  }

  /**
   * Joins: writes the first heartbeat, then begins to beat, to look around, to take and to hand over. A lease of the same
   * name is taken over at once.
   *
   * @throws StreamMissingError, StreamMismatchError, StoreUnavailableError, StoreDeniedError, JetStreamError,
   *   LeaseContendedError; RangeError for a name or a timing that cannot be one.
   */
  static async join(o: ReplicasOptions): Promise<Replicas> {
    if (!REPLICA_NAME.test(o.replica)) throw new RangeError(`${JSON.stringify(o.replica)} cannot name a replica`)
    const layout = leaseStreamOf(o.service)
    const replicas = new Replicas(o, { ...DEFAULT_LEASE_TIMING, ...o.timing })
    try {
      const { config } = await streamInfo(o.connection, layout.name, INFO_MS_MAX)
      checkStream(layout, config)
      await replicas.#membership.join({ state: 'serving', held: new Map() })
    } catch (error) {
      replicas.#end()
      throw error
    }
    void replicas.#run()
    return replicas
  }

  get lease(): Lease {
    return this.#membership.lease
  }

  get members(): readonly Member[] {
    const { others, incarnation } = this.#membership
    if (this.#phase !== 'member') return others.members
    const { replica, target } = this.#o
    const state = this.#isLeaving ? 'leaving' : 'serving'
    return [{ replica, incarnation, target, state, held: this.#holdings.listed }, ...others.members]
  }

  whereIs(partition: number): Whereabouts {
    if (this.#holdings.isHere(partition)) return { kind: 'here' }
    const { listings, members } = this.#membership.others
    const listing = listings.get(partition)
    const member = listing?.loaded ? members.find(({ replica }) => replica === listing.replica) : undefined
    return member ? { kind: 'at', member } : { kind: 'moving' }
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get problems(): readonly string[] {
    const problems = this.#membership.others.unreadable.map((replica) => `the lease of ${replica} cannot be read`)
    if (this.#phase === 'overtaken') problems.push(`another process is replica ${this.#o.replica}`)
    if (!this.lease.isLive) problems.push('the lease is not live')
    const { own, isAssigned } = this.#sharing
    if (!isAssigned) problems.push('the other replicas were not looked at yet')
    const missing = own.filter((partition) => !this.#holdings.isHere(partition))
    if (missing.length > 0) problems.push(`${missing.length} of ${own.length} assigned partitions are not served`)
    const reasons = missing.map((partition) => this.#holdings.failureOf(partition)).filter((why) => why !== undefined)
    return [...problems, ...new Set(reasons.map(codeOf))]
  }

  async leave(): Promise<void> {
    if (this.#phase === 'left') return
    const hasten = (): void => {
      this.#isHasty = true
      this.#holdings.releaseAll()
      this.#wakeUp()
    }
    this.#isLeaving = true
    // Who cannot be heard cannot hand over.
    if (!this.lease.isLive) hasten()
    const haste = this.#o.clock.setTimer(HAND_OVER_MS_MAX, hasten)
    const limit = this.#o.clock.setTimer(LEAVE_MS_MAX, () => this.#end())
    this.#wakeUp()
    await this.#left.promise
    haste.cancel()
    limit.cancel()
  }

  async #run(): Promise<void> {
    while (this.#phase !== 'left') {
      const startMs = this.#o.clock.monotonic()
      const isSettled = await this.#step()
      const isOver = this.#isLeaving && this.#holdings.listed.size === 0 && this.#holdings.isQuiet
      if (isOver) await this.#sayGoodBye()
      else await this.#pause(startMs, isSettled)
    }
  }

  /** One heartbeat and what follows from it, or one try to be a member again. False when nothing came of it. */
  async #step(): Promise<boolean> {
    const phase = this.#phase
    switch (phase) {
      case 'member':
        return await this.#beat()
      case 'revoked':
      case 'overtaken':
        return await this.#rejoin(phase)
      case 'left':
        return true
      default:
        return assertNever(phase)
    }
  }

  async #beat(): Promise<boolean> {
    const held = this.#holdings.listed
    this.#holdings.noteFloors()
    const round = await this.#membership.round({ state: this.#isLeaving ? 'leaving' : 'serving', held })
    // `leave` may have run out of patience.
    if (this.#phase === 'left') return true
    switch (round.kind) {
      case 'open':
        return false
      case 'deposed':
        // guard: deposed-drops — who was revoked has nothing any more
        this.#holdings.dropAll()
        this.#phase = round.why
        this.#isWoken = true
        this.#o.onEvent?.({ kind: 'deposed', why: round.why })
        this.#tell()
        return true
      case 'seen':
        this.#sharing.act(held, this.#isLeaving)
        if (round.isNews) this.#tell()
        if (round.hasRevoked || !isSame(held, this.#holdings.listed)) this.#isWoken = true
        return true
      default:
        return assertNever(round)
    }
  }

  /** Takes that were begun before might yet tell something: a new incarnation waits for their end. */
  async #rejoin(phase: 'revoked' | 'overtaken'): Promise<boolean> {
    if (this.#isLeaving || !this.#holdings.isQuiet) return true
    if (phase === 'overtaken' && !(await this.#membership.isNameFree())) return true
    try {
      await this.#membership.join({ state: 'serving', held: new Map() })
    } catch (error) {
      if (isStoreTrouble(error) || error instanceof LeaseContendedError) return false
      throw error
    }
    if (this.#phase !== phase) return true
    this.#phase = 'member'
    this.#isWoken = true
    this.#tell()
    return true
  }

  async #sayGoodBye(): Promise<void> {
    for (let tries = 0; this.#phase === 'member' && tries < FAREWELLS_MAX; tries += 1) {
      const { kind } = await this.#membership.round({ state: 'gone', held: new Map() })
      if (kind !== 'open') break
    }
    this.#end()
  }

  #end(): void {
    if (this.#phase === 'left') return
    this.#phase = 'left'
    this.#holdings.dropAll()
    this.#membership.end()
    for (const stop of this.#unsubscribe) stop()
    this.#wakeUp()
    this.#tell()
    this.#o.onEvent?.({ kind: 'left' })
    this.#left.resolve()
  }

  #onHoldings(): void {
    if (this.#isHasty) this.#holdings.releaseAll()
    this.#wakeUp()
    this.#tell()
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  #wakeUp(): void {
    this.#isWoken = true
    this.#wake?.()
  }

  /** Until the next heartbeat is due, or something is to be done before. */
  async #pause(startMs: number, isSettled: boolean): Promise<void> {
    const nowMs = this.#o.clock.monotonic()
    const beatMs = startMs + this.#timing.heartbeatMs
    const retryMs = this.#o.connection.isConnected ? nowMs + RETRY_WAIT_MS : beatMs
    const dueMs =
      this.#phase === 'member'
        ? Math.min(this.#membership.nextDueMs(nowMs), this.#sharing.nextSoleMs, this.#holdings.nextRetryMs(nowMs))
        : beatMs
    const untilMs = isSettled ? Math.min(beatMs, dueMs) : retryMs
    if (!this.#isWoken) {
      await new Promise<void>((resolve) => {
        const timer = this.#o.clock.setTimer(Math.max(untilMs - nowMs, ROUND_WAIT_MS), resolve)
        this.#wake = () => {
          timer.cancel()
          resolve()
        }
      })
    }
    this.#wake = undefined
    this.#isWoken = false
  }
}

function isSame(one: ReadonlyMap<number, bigint>, other: ReadonlyMap<number, bigint>): boolean {
  return one.size === other.size && [...one].every(([partition, epoch]) => other.get(partition) === epoch)
}

/** In words for /readyz: a code of ours, or the kind of error, with the place in the store, never a message that might name somebody. */
function codeOf(error: unknown): string {
  if (error instanceof LogTruncatedError) return `${error.code}: ${error.message}`
  const code = (error as { readonly code?: unknown }).code
  return typeof code === 'string' ? code : error instanceof Error ? error.name : 'unknown'
}
