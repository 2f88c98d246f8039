import { isIPv6 } from 'node:net'
import { type BucketSettings, type Clock, type Timer, TokenBuckets } from '@rollcall/core'

/** Users whose last source is remembered; beyond it the one that has rested longest is forgotten. */
const HOMES_MAX = 65_536
/** So often buckets that are full again are let go of. */
const SWEEP_MS = 60_000

export interface UbLimitSettings {
  readonly source: BucketSettings
  readonly impi: BucketSettings
  readonly wrongAnswers: BucketSettings
}

/** Why a UE gets no challenge now. */
export type RateRefusal = 'user-rate' | 'wrong-answers'

/**
 * How often requests are taken, challenges given and wrong answers borne, before the HSS or the store is asked for anything. Of each
 * replica by itself: behind N of them it is N times as much.
 *
 * `Choice:` wrong answers count by user and source together, and the wide limit of a user never counts the source that it
 * bootstrapped from last: so nobody can lock out somebody else.
 */
export class UbLimits implements Disposable {
  readonly #sources: TokenBuckets
  readonly #impis: TokenBuckets
  readonly #wrongAnswers: TokenBuckets
  /** From where a user bootstrapped last, oldest first. */
  readonly #homes = new Map<string, string>()
  readonly #clock: Clock
  #timer: Timer

  constructor(clock: Clock, settings: UbLimitSettings) {
    this.#sources = new TokenBuckets(clock, settings.source)
    this.#impis = new TokenBuckets(clock, settings.impi)
    this.#wrongAnswers = new TokenBuckets(clock, settings.wrongAnswers)
    this.#clock = clock
    this.#timer = this.#sweepLater()
  }

  get sizes(): { readonly source: number; readonly impi: number; readonly wrong: number } {
    return { source: this.#sources.size, impi: this.#impis.size, wrong: this.#wrongAnswers.size }
  }

  /** Takes what a request costs, whatever it is about; false when its source has to wait. */
  takeRequest(source: string): boolean {
    // guard: bsf-source-rate — each request costs the store or the HSS something, so nobody makes many at once
    return this.#sources.take(source)
  }

  /** Takes what a challenge costs, or says why there is none. */
  takeChallenge(impi: string, source: string): RateRefusal | undefined {
    // guard: bsf-wrong-answers — who keeps guessing gets no more challenges to guess at
    if (!this.#wrongAnswers.has(pairOf(impi, source))) return 'wrong-answers'
    if (this.#homes.get(impi) !== source && !this.#impis.take(impi)) return 'user-rate'
    return undefined
  }

  /** Counts a wrong answer; false when it was one too many. */
  countWrongAnswer(impi: string, source: string): boolean {
    this.#wrongAnswers.take(pairOf(impi, source))
    return this.#wrongAnswers.has(pairOf(impi, source))
  }

  /** A user has proved to be at this source. */
  noteHome(impi: string, source: string): void {
    this.#homes.delete(impi)
    this.#homes.set(impi, source)
    if (this.#homes.size <= HOMES_MAX) return
    const [oldest] = this.#homes.keys()
    if (oldest !== undefined) this.#homes.delete(oldest)
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
  }

  #sweepLater(): Timer {
    return this.#clock.setTimer(SWEEP_MS, () => {
      for (const buckets of [this.#sources, this.#impis, this.#wrongAnswers]) buckets.sweep()
      this.#timer = this.#sweepLater()
    })
  }
}

/** Who sends, for limits: an IPv4 address, or the first 64 bits of an IPv6 one, since a subscriber has them all. */
export function sourceOf(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  if (!isIPv6(address)) return address
  const [head = '', tail = ''] = address.replace(/%.*$/, '').split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const missing = address.includes('::') ? 8 - left.length - right.length : 0
  return [...left, ...new Array<string>(missing).fill('0'), ...right].slice(0, 4).join(':')
}

function pairOf(impi: string, source: string): string {
  return `${impi} ${source}`
}
