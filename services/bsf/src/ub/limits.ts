import { type BucketSettings, type Clock, type Timer, TokenBuckets } from '@rollcall/core'

/** Users whose last source is remembered; beyond it the one that has rested longest is forgotten. */
const HOMES_MAX = 65_536
/** So often buckets that are full again are let go of. */
const SWEEP_MS = 60_000

export interface UbLimitSettings {
  readonly source: BucketSettings
  readonly impi: BucketSettings
  readonly wrongAnswers: BucketSettings
  /** Keys of one user. */
  readonly contexts: BucketSettings
  /** Requests that wait for HSS or store at once. */
  readonly outstandingMax: number
}

/** What is limited; a label. */
export const LIMIT_KINDS = ['source', 'impi', 'wrong', 'contexts'] as const

type LimitKind = (typeof LIMIT_KINDS)[number]

/** Why a UE gets no challenge now. */
export type RateRefusal = 'user-rate' | 'user-contexts' | 'wrong-answers'

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
  readonly #contexts: TokenBuckets
  readonly #outstandingMax: number
  #outstanding = 0
  /** From where a user bootstrapped last, oldest first. */
  readonly #homes = new Map<string, string>()
  readonly #clock: Clock
  #timer: Timer

  constructor(clock: Clock, settings: UbLimitSettings) {
    this.#sources = new TokenBuckets(clock, settings.source)
    this.#impis = new TokenBuckets(clock, settings.impi)
    this.#wrongAnswers = new TokenBuckets(clock, settings.wrongAnswers)
    this.#contexts = new TokenBuckets(clock, settings.contexts)
    this.#outstandingMax = settings.outstandingMax
    this.#clock = clock
    this.#timer = this.#sweepLater()
  }

  get sizes(): Readonly<Record<LimitKind, number>> {
    return {
      source: this.#sources.size,
      impi: this.#impis.size,
      wrong: this.#wrongAnswers.size,
      contexts: this.#contexts.size,
    }
  }

  /** Takes what a request costs, whatever it is about; false when its source has to wait. */
  takeRequest(source: string): boolean {
    // guard: bsf-source-rate — each request costs the store or the HSS something, so nobody makes many at once
    return this.#sources.take(source)
  }

  /** Begins a request that HSS or store are asked for; false when too many wait. Each that began is ended. */
  begin(): boolean {
    // guard: bsf-outstanding — requests that wait for an HSS that does not answer must not fill the memory
    if (this.#outstanding >= this.#outstandingMax) return false
    this.#outstanding += 1
    return true
  }

  end(): void {
    this.#outstanding -= 1
  }

  /** Takes what a challenge costs, or says why there is none. */
  takeChallenge(impi: string, source: string): RateRefusal | undefined {
    // guard: bsf-wrong-answers — who keeps guessing gets no more challenges to guess at
    if (!this.#wrongAnswers.has(pairOf(impi, source))) return 'wrong-answers'
    // guard: bsf-user-contexts — one subscriber must not fill the store with keys (TS 33.220 clause 4.5.2)
    if (!this.#contexts.has(impi)) return 'user-contexts'
    if (this.#homes.get(impi) !== source && !this.#impis.take(impi)) return 'user-rate'
    return undefined
  }

  /** Counts a wrong answer; false when it was one too many. */
  countWrongAnswer(impi: string, source: string): boolean {
    this.#wrongAnswers.take(pairOf(impi, source))
    return this.#wrongAnswers.has(pairOf(impi, source))
  }

  /** A user has a key more. He alone can make his own count, for only right answers get here. */
  countContext(impi: string): void {
    this.#contexts.take(impi)
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
      for (const buckets of [this.#sources, this.#impis, this.#wrongAnswers, this.#contexts]) buckets.sweep()
      this.#timer = this.#sweepLater()
    })
  }
}

function pairOf(impi: string, source: string): string {
  return `${impi} ${source}`
}
