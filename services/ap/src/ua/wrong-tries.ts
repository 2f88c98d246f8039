import { type Clock, TokenBuckets } from '@rollcall/core'
import { ExpiringCache } from '../cache/expiring-cache.ts'

/** `Choice:` wrong proofs of one name from one source, before more of them are refused unread. */
const TRIES_MAX = 10
const FORGOTTEN_MS = 5 * 60_000
const NAMES_MAX = 20_000
/**
 * `Choice:` wrong passwords from one source, whomever they are for: who tries one password on everybody has a wrong one for
 * nearly each. Many users may share an address, so it is wide. Keys of GBA cannot be guessed, and have no such bound.
 */
const SOURCE_PASSWORDS = { burst: 200, intervalMs: FORGOTTEN_MS / 200 }

/**
 * Wrong proofs, by name and source together: a stranger who tries a user's name from elsewhere does not shut him out. A
 * source is an address, or the /64 of an IPv6 one.
 *
 * @see TS 24.109 clause 5.2.3, TS 24.109 clause 5.3.2.2
 */
export class WrongTries {
  readonly #clock: Clock
  readonly #counts: ExpiringCache<number>
  readonly #passwords: TokenBuckets

  constructor(clock: Clock) {
    this.#clock = clock
    this.#counts = new ExpiringCache(clock, NAMES_MAX)
    this.#passwords = new TokenBuckets(clock, SOURCE_PASSWORDS)
  }

  /** Whether this source has used up its wrong passwords. */
  isSourceSpent(source: string): boolean {
    return !this.#passwords.has(source)
  }

  /** Counts a wrong password of a source, beside `count`. */
  countPassword(source: string): void {
    this.#passwords.take(source)
  }

  /** Whether this name has used up its tries there. */
  isSpent(name: string, source: string): boolean {
    return (this.#counts.get(`${source} ${name}`) ?? 0) >= TRIES_MAX
  }

  count(name: string, source: string): void {
    const key = `${source} ${name}`
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1, this.#clock.now() + FORGOTTEN_MS)
  }

  /** A right proof clears the name there. */
  clear(name: string, source: string): void {
    if (this.#counts.get(`${source} ${name}`) !== undefined) this.#counts.set(`${source} ${name}`, 0, 0)
  }
}
