import type { Clock, Random } from '@rollcall/core'

/** Octets of a token: nobody guesses one. */
const TOKEN_OCTETS = 16

interface Entry<T> {
  readonly value: T
  readonly untilMs: number
}

/**
 * What is remembered of a request while it is at an application server, by its original dialog identifier. Bounded in
 * number and in time; one that is forgotten, also by a restart, makes a request that comes back a new one.
 *
 * @see TS 24.229 clause 5.4.3.4
 */
export class OdiTable<T> {
  readonly #clock: Clock
  readonly #random: Random
  readonly #lifeMs: number
  readonly #entriesMax: number
  readonly #entries = new Map<string, Entry<T>>()

  constructor(options: {
    readonly clock: Clock
    readonly random: Random
    readonly lifeMs: number
    readonly entriesMax: number
  }) {
    this.#clock = options.clock
    this.#random = options.random
    this.#lifeMs = options.lifeMs
    this.#entriesMax = options.entriesMax
  }

  get size(): number {
    return this.#entries.size
  }

  /** Remembers `value` and gives its identifier. At the bound the oldest is forgotten. */
  put(value: T): string {
    this.#forgetOld()
    const token = this.#random.bytes(TOKEN_OCTETS).toString('hex')
    this.#entries.set(token, { value, untilMs: this.#clock.monotonic() + this.#lifeMs })
    return token
  }

  get(token: string): T | undefined {
    const entry = this.#entries.get(token)
    return entry && entry.untilMs > this.#clock.monotonic() ? entry.value : undefined
  }

  delete(token: string): void {
    this.#entries.delete(token)
  }

  /** Entries are in order of age, since each lives as long as the others. */
  #forgetOld(): void {
    const nowMs = this.#clock.monotonic()
    for (const [token, entry] of this.#entries) {
      if (entry.untilMs > nowMs && this.#entries.size < this.#entriesMax) return
      this.#entries.delete(token)
    }
  }
}
