import type { Clock } from '@rollcall/core'
import type { Floors } from './floors.ts'
import type { HeldPartition, TakePartition } from './held-partition.ts'
import type { ReplicaEvent } from './replica-event.ts'

/** A service that has not let go of a partition within this is not asked any more: it is dropped. */
const RELEASE_MS_MAX = 10_000
/** Waits before a partition that could not be taken, or was lost, is claimed again. */
const RETAKE_MS: readonly number[] = [250, 500, 1_000, 2_000, 5_000, 10_000]

type State = 'claimed' | 'taking' | 'held' | 'releasing'

interface Holding {
  state: State
  /** 0 until it is taken. */
  epoch: bigint
  handle: HeldPartition | undefined
  readonly sinceMs: number
  readonly abort: AbortController
  readonly sole: Promise<void>
  readonly tellSole: () => void
  isSole: boolean
}

/**
 * What this replica has of the service's partitions, from the claim to the release. Each is listed in its lease all that
 * time: before anybody here may tell anything of it, until nobody may any more.
 */
export class Holdings {
  readonly #clock: Clock
  readonly #take: TakePartition
  readonly #floors: Floors
  readonly #onChange: () => void
  readonly #onEvent: (event: ReplicaEvent) => void
  readonly #holdings = new Map<number, Holding>()
  readonly #failures = new Map<number, { readonly count: number; readonly retryMs: number; readonly why: unknown }>()
  /** Takes that were asked for, also those whose partition is not wanted any more. */
  #underWay = 0

  constructor(o: {
    clock: Clock
    take: TakePartition
    floors: Floors
    /** What is listed has changed by itself. */
    onChange: () => void
    onEvent: (event: ReplicaEvent) => void
  }) {
    this.#clock = o.clock
    this.#take = o.take
    this.#floors = o.floors
    this.#onChange = o.onChange
    this.#onEvent = o.onEvent
  }

  /** What the lease must list. */
  get listed(): Map<number, bigint> {
    return new Map([...this.#holdings].map(([partition, { epoch }]) => [partition, epoch]))
  }

  /** Takes down how far the logs of what is held are acknowledged. */
  noteFloors(): void {
    for (const [partition, holding] of this.#holdings) this.#noteFloor(partition, holding)
  }

  get states(): ReadonlyMap<number, State> {
    return new Map([...this.#holdings].map(([partition, { state }]) => [partition, state]))
  }

  /** Partitions that an earlier owner might still tell of, as far as is known. */
  get notSole(): readonly number[] {
    return [...this.#holdings].filter(([, { epoch, isSole }]) => epoch > 0n && !isSole).map(([partition]) => partition)
  }

  /** False while a service is busy with a take, wanted or not. */
  get isQuiet(): boolean {
    return this.#underWay === 0
  }

  isHere(partition: number): boolean {
    return this.#holdings.get(partition)?.state === 'held'
  }

  /** Partitions that are not claimed again yet. */
  deferred(nowMs: number): Set<number> {
    return new Set([...this.#failures].filter(([, { retryMs }]) => retryMs > nowMs).map(([partition]) => partition))
  }

  /** When the next one of them may be claimed again; Infinity when there is none. */
  nextRetryMs(nowMs: number): number {
    return Math.min(...[...this.#failures.values()].map(({ retryMs }) => retryMs).filter((retryMs) => retryMs > nowMs))
  }

  /** Why a partition could not be taken, or was lost. */
  failureOf(partition: number): unknown {
    return this.#failures.get(partition)?.why
  }

  /** Lists a partition. It is taken by `start`, once the claim is acknowledged and nobody else has one. */
  claim(partition: number): void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#holdings.set(partition, {
      state: 'claimed',
      epoch: 0n,
      handle: undefined,
      sinceMs: this.#clock.monotonic(),
      abort: new AbortController(),
      sole: promise,
      tellSole: resolve,
      isSole: false,
    })
  }

  /** Gives up a claim that was not started. */
  withdraw(partition: number): void {
    if (this.#holdings.get(partition)?.state === 'claimed') this.#holdings.delete(partition)
  }

  /** Takes a claimed partition. */
  start(partition: number): void {
    const holding = this.#holdings.get(partition)
    if (holding?.state !== 'claimed') return
    holding.state = 'taking'
    void this.#takeIt(partition, holding)
  }

  /** Nobody else can tell anything of it any more. */
  becomeSole(partition: number): void {
    const holding = this.#holdings.get(partition)
    if (!holding || holding.isSole) return
    holding.isSole = true
    holding.tellSole()
    this.#onEvent({ kind: 'sole', partition, waitedMs: this.#clock.monotonic() - holding.sinceMs })
  }

  /** Hands a partition over in peace; it stays listed until that is done. */
  release(partition: number): void {
    const holding = this.#holdings.get(partition)
    if (holding?.state !== 'held') return
    holding.state = 'releasing'
    void this.#releaseIt(partition, holding)
  }

  releaseAll(): void {
    for (const partition of this.#holdings.keys()) this.release(partition)
  }

  /** Gives a partition up at once. */
  drop(partition: number, why: 'deposed' | 'overtaken' | 'lost'): void {
    const holding = this.#holdings.get(partition)
    if (!holding) return
    this.#noteFloor(partition, holding)
    this.#holdings.delete(partition)
    holding.abort.abort()
    if (!holding.handle) return
    holding.handle.drop()
    this.#onEvent({ kind: 'dropped', partition, why })
  }

  dropAll(): void {
    for (const partition of [...this.#holdings.keys()]) this.drop(partition, 'deposed')
  }

  async #takeIt(partition: number, holding: Holding): Promise<void> {
    this.#underWay += 1
    try {
      const floor = this.#floors.of(partition)
      const handle = await this.#take(partition, { sole: holding.sole, floor, signal: holding.abort.signal })
      if (this.#holdings.get(partition) === holding) this.#taken(partition, holding, handle)
      else handle.drop()
    } catch (error) {
      if (this.#holdings.get(partition) === holding) {
        this.#holdings.delete(partition)
        this.#failed(partition, error)
        this.#onEvent({ kind: 'take-failed', partition, error })
      }
    } finally {
      this.#underWay -= 1
      this.#onChange()
    }
  }

  #taken(partition: number, holding: Holding, handle: HeldPartition): void {
    holding.state = 'held'
    holding.handle = handle
    holding.epoch = handle.epoch
    this.#failures.delete(partition)
    const durationMs = this.#clock.monotonic() - holding.sinceMs
    this.#onEvent({ kind: 'taken', partition, epoch: handle.epoch, durationMs })
    void handle.lost.then((why) => {
      if (this.#holdings.get(partition) !== holding) return
      this.drop(partition, 'lost')
      this.#failed(partition, why)
      this.#onChange()
    })
  }

  async #releaseIt(partition: number, holding: Holding): Promise<void> {
    const startMs = this.#clock.monotonic()
    const { promise: isLate, resolve } = Promise.withResolvers<'late'>()
    const timer = this.#clock.setTimer(RELEASE_MS_MAX, () => resolve('late'))
    const released = holding.handle?.release().then(
      () => 'released' as const,
      () => 'failed' as const,
    )
    const how = await Promise.race([released, isLate])
    timer.cancel()
    if (how !== 'released') holding.handle?.drop()
    if (this.#holdings.get(partition) !== holding) return
    this.#noteFloor(partition, holding)
    this.#holdings.delete(partition)
    this.#onEvent({ kind: 'released', partition, durationMs: this.#clock.monotonic() - startMs })
    this.#onChange()
  }

  #noteFloor(partition: number, { handle }: Holding): void {
    if (handle) this.#floors.raise(partition, handle.acknowledged)
  }

  #failed(partition: number, why: unknown): void {
    const count = (this.#failures.get(partition)?.count ?? 0) + 1
    const waitMs = RETAKE_MS[Math.min(count, RETAKE_MS.length) - 1] ?? 0
    this.#failures.set(partition, { count, retryMs: this.#clock.monotonic() + waitMs, why })
  }
}
