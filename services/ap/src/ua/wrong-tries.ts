import type { Clock } from '@rollcall/core'
import { ExpiringCache } from '../cache/expiring-cache.ts'

/** `Choice:` wrong proofs of one name from one address, before more of them are refused unread. */
const TRIES_MAX = 10
const FORGOTTEN_MS = 5 * 60_000
const NAMES_MAX = 20_000

/**
 * Wrong proofs, by name and address together: a stranger who tries a user's name from elsewhere does not shut him out.
 *
 * @see TS 24.109 clause 5.2.3
 */
export class WrongTries {
  readonly #clock: Clock
  readonly #counts: ExpiringCache<number>

  constructor(clock: Clock) {
    this.#clock = clock
    this.#counts = new ExpiringCache(clock, NAMES_MAX)
  }

  /** Whether this name has used up its tries there. */
  isSpent(name: string, address: string): boolean {
    return (this.#counts.get(`${address} ${name}`) ?? 0) >= TRIES_MAX
  }

  count(name: string, address: string): void {
    const key = `${address} ${name}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1, this.#clock.now() + FORGOTTEN_MS)
  }

  /** A right proof clears the name there. */
  clear(name: string, address: string): void {
    if (this.#counts.get(`${address} ${name}`) !== undefined) this.#counts.set(`${address} ${name}`, 0, 0)
  }
}
