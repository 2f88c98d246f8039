import type { Clock, Timer } from '@rollcall/core'

/** Deadlines are seconds: a tenth of one late is on time, and one timer serves all that wait. */
const TICK_MS = 100

/** Something that is waited for. `tick` belongs to `Deadlines`. */
export interface Waiting {
  tick: number
}

/**
 * Calls `expire` for each thing that was not removed before its time. Adding and removing cost a set operation each, for
 * a timer a message would be the dearest part of the hop.
 */
export class Deadlines<T extends Waiting> {
  readonly #clock: Clock
  readonly #expire: (item: T) => void
  readonly #buckets = new Map<number, Set<T>>()
  #timer: Timer | undefined
  #last: number
  #size = 0

  constructor(clock: Clock, expire: (item: T) => void) {
    this.#clock = clock
    this.#expire = expire
    this.#last = this.#now()
  }

  get size(): number {
    return this.#size
  }

  add(item: T, delayMs: number): void {
    if (!this.#timer) this.#start()
    const tick = Math.max(this.#last + 1, Math.ceil((this.#clock.monotonic() + delayMs) / TICK_MS))
    item.tick = tick
    let bucket = this.#buckets.get(tick)
    if (!bucket) {
      bucket = new Set()
      this.#buckets.set(tick, bucket)
    }
    bucket.add(item)
    this.#size += 1
  }

  remove(item: T): void {
    if (this.#buckets.get(item.tick)?.delete(item)) this.#size -= 1
  }

  /** What waits, in no order. */
  *items(): Iterable<T> {
    for (const bucket of this.#buckets.values()) yield* bucket
  }

  /** Forgets everything and calls nobody. */
  clear(): void {
    this.#buckets.clear()
    this.#size = 0
    this.#timer?.cancel()
    this.#timer = undefined
  }

  #start(): void {
    this.#buckets.clear()
    this.#last = this.#now()
    this.#arm()
  }

  #arm(): void {
    this.#timer = this.#clock.setTimer(TICK_MS, () => this.#turn())
  }

  #turn(): void {
    // Armed first: what is added on the way must find the wheel turning.
    this.#arm()
    const now = this.#now()
    while (this.#last < now) {
      this.#last += 1
      const bucket = this.#buckets.get(this.#last)
      if (!bucket) continue
      this.#buckets.delete(this.#last)
      this.#size -= bucket.size
      for (const item of bucket) this.#expire(item)
    }
    if (this.#size === 0) this.clear()
  }

  #now(): number {
    return Math.floor(this.#clock.monotonic() / TICK_MS)
  }
}
