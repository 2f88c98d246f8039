import type { Clock } from './clock.ts'

/** A flood of forged sources must not take more memory than this, nor a search through it for each packet. */
const BUCKETS_MAX = 65_536

/** A token bucket: so much at once, then one each interval. */
export interface BucketSettings {
  readonly burst: number
  readonly intervalMs: number
}

/**
 * A token bucket a key: `burst` at once, then one each `intervalMs`. Kept as the time at which the bucket would be full,
 * so that an idle one costs nothing.
 */
export class TokenBuckets {
  readonly #clock: Clock
  readonly #burst: number
  readonly #intervalMs: number
  /** When a bucket is full again, oldest change first. */
  readonly #fullAtMs = new Map<string, number>()

  constructor(clock: Clock, settings: BucketSettings) {
    this.#clock = clock
    this.#burst = settings.burst
    this.#intervalMs = settings.intervalMs
  }

  get size(): number {
    return this.#fullAtMs.size
  }

  /** Takes one token of `key`; false when there is none. */
  take(key: string): boolean {
    const nowMs = this.#clock.monotonic()
    const fullAtMs = Math.max(nowMs, this.#fullAtMs.get(key) ?? 0) + this.#intervalMs
    if (fullAtMs - nowMs > this.#burst * this.#intervalMs) return false
    this.#fullAtMs.delete(key)
    this.#fullAtMs.set(key, fullAtMs)
    if (this.#fullAtMs.size > BUCKETS_MAX) this.#forgetOldest()
    return true
  }

  /** Whether `key` has a token now, without taking it. */
  has(key: string): boolean {
    const nowMs = this.#clock.monotonic()
    const fullAtMs = Math.max(nowMs, this.#fullAtMs.get(key) ?? 0) + this.#intervalMs
    return fullAtMs - nowMs <= this.#burst * this.#intervalMs
  }

  /** Lets go of those that are full again: they are as good as new. */
  sweep(): void {
    const nowMs = this.#clock.monotonic()
    for (const [key, fullAtMs] of this.#fullAtMs) if (fullAtMs <= nowMs) this.#fullAtMs.delete(key)
  }

  /** The one that has rested longest. */
  #forgetOldest(): void {
    const [oldest] = this.#fullAtMs.keys()
    if (oldest !== undefined) this.#fullAtMs.delete(oldest)
  }
}
