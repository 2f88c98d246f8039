import { type Clock, TokenBuckets } from '@rollcall/core'

/** `Choice:` wrong proofs of one user from one source: five at once, then one a minute. */
const OF_USER = { burst: 5, intervalMs: 60_000 }
/** `Choice:` wrong proofs from one source, whomever it says it is. */
const OF_SOURCE = { burst: 20, intervalMs: 10_000 }

/** `Choice:` wrong proofs of one user from wherever: an address that is made up for each try brings no more. */
const OF_NAME = { burst: 100, intervalMs: 5_000 }
/** `Choice:` longer names are nobody's, and what is remembered of a try stays short. */
const NAME_MAX = 253

/**
 * How many wrong proofs are borne before no more are looked at. They count by source, so that nobody locks out somebody
 * else; of each replica by itself.
 *
 * @see RFC 7616 section 5.7
 */
export class ProofAttempts {
  readonly #users: TokenBuckets
  readonly #sources: TokenBuckets
  readonly #names: TokenBuckets

  constructor(clock: Clock) {
    this.#users = new TokenBuckets(clock, OF_USER)
    this.#sources = new TokenBuckets(clock, OF_SOURCE)
    this.#names = new TokenBuckets(clock, OF_NAME)
  }

  /** May this source try to be this user? */
  has(source: string, username: string): boolean {
    // guard: proof-name-octets — what is remembered of a try is short, whatever was sent
    if (username.length > NAME_MAX) return false
    // guard: proof-name — sources are easily made up where nobody asserts who sends
    if (!this.#names.has(username)) return false
    return this.#sources.has(shortened(source)) && this.#users.has(pairOf(source, username))
  }

  noteWrong(source: string, username: string): void {
    this.#sources.take(shortened(source))
    this.#names.take(username)
    this.#users.take(pairOf(source, username))
  }
}

function pairOf(source: string, username: string): string {
  return `${shortened(source)} ${username}`
}

function shortened(source: string): string {
  return source.slice(0, NAME_MAX)
}
