import { timingSafeEqual } from 'node:crypto'
import { type Clock, Hmac, type Random, Secret } from '@rollcall/core'

/** Time of issue in milliseconds: 48 bits last for 8,900 years. */
const TIME_OCTETS = 6
/** Two nonces of one millisecond must differ, so that each has counts of its own. */
const SERIAL_OCTETS = 10
/** HMAC-SHA-256 cut to 128 bits. */
const TAG_OCTETS = 16
const BODY_OCTETS = TIME_OCTETS + SERIAL_OCTETS
const NONCE_CHARS = Math.ceil(((BODY_OCTETS + TAG_OCTETS) * 4) / 3)
const KEY_OCTETS = 32

/** `Choice:` so far back a count may come that was overtaken by others: requests of one client go side by side. */
const NC_WINDOW = 64

export interface NonceKeeperOptions {
  readonly clock: Clock
  readonly random: Random
  /** So long a nonce is taken. */
  readonly lifetimeMs: number
  /** So many nonces in use are remembered with their counts. Beyond it the oldest go, and with them all of their age. */
  readonly nonceCountMax: number
}

/**
 * Nonces that need no memory until they are used: time and chance under a key that lives as long as the process, bound
 * to a scope, so that the nonce of one realm is none of another. Their counts are remembered from the first good proof on.
 *
 * @see RFC 7616 sections 3.3, 3.4.5 and 5.4
 */
export class NonceKeeper {
  readonly #clock: Clock
  readonly #random: Random
  readonly #lifetimeMs: number
  readonly #nonceCountMax: number
  readonly #hmac: Hmac
  /** By nonce, in the order of first use. */
  readonly #seen = new Map<string, SeenCounts>()
  /** Nonces of this time and before it are taken only when they are remembered: their counts may be forgotten. */
  #floorMs = Number.NEGATIVE_INFINITY

  constructor(o: NonceKeeperOptions) {
    this.#clock = o.clock
    this.#random = o.random
    this.#lifetimeMs = o.lifetimeMs
    this.#nonceCountMax = o.nonceCountMax
    this.#hmac = new Hmac('sha256', new Secret(o.random.bytes(KEY_OCTETS)))
  }

  /** A fresh nonce for `scope`; letters, digits, `-` and `_`. */
  issue(scope: string): string {
    const body = Buffer.alloc(BODY_OCTETS)
    body.writeUIntBE(this.#clock.now(), 0, TIME_OCTETS)
    this.#random.bytes(SERIAL_OCTETS).copy(body, TIME_OCTETS)
    return Buffer.concat([body, this.#tagOf(body, scope)]).toString('base64url')
  }

  /** Whether `nonce` is one of ours for `scope` and young enough. */
  isGood(nonce: string, scope: string): boolean {
    const issuedMs = this.#issuedMs(nonce, scope)
    if (issuedMs === undefined) return false
    const ageMs = this.#clock.now() - issuedMs
    // guard: nonce-age — an old nonce is answered by nobody but who recorded it (RFC 7616 section 5.4)
    if (ageMs > this.#lifetimeMs) return false
    // guard: nonce-forgotten — a nonce whose counts were let go must not begin to count anew (RFC 7616 section 5.5)
    return issuedMs > this.#floorMs || this.#seen.has(nonce)
  }

  /** Whether a good nonce should be followed by another: over half of its time is gone. */
  isAging(nonce: string, scope: string): boolean {
    const issuedMs = this.#issuedMs(nonce, scope)
    return issuedMs === undefined || this.#clock.now() - issuedMs > this.#lifetimeMs / 2
  }

  /**
   * Takes the count `nc` of a good nonce; false when it was taken before, or lies too far back to be known. Only for who
   * has shown the right proof: else a stranger could use up the counts of another.
   */
  claim(nonce: string, scope: string, nc: number): boolean {
    const issuedMs = this.#issuedMs(nonce, scope)
    if (issuedMs === undefined) return false
    const known = this.#seen.get(nonce)
    if (known !== undefined) return known.take(nc)
    this.#makeRoom()
    const fresh = new SeenCounts(issuedMs, scope)
    this.#seen.set(nonce, fresh)
    return fresh.take(nc)
  }

  /** Nonces remembered now. */
  get size(): number {
    return this.#seen.size
  }

  #makeRoom(): void {
    const goneMs = this.#clock.now() - this.#lifetimeMs
    for (const [nonce, { issuedMs }] of this.#seen) {
      const isOver = issuedMs < goneMs
      if (!isOver && this.#seen.size < this.#nonceCountMax) return
      if (!isOver) this.#floorMs = Math.max(this.#floorMs, issuedMs)
      this.#seen.delete(nonce)
    }
  }

  #issuedMs(nonce: string, scope: string): number | undefined {
    const known = this.#seen.get(nonce)
    if (known?.scope === scope) return known.issuedMs
    if (nonce.length !== NONCE_CHARS) return undefined
    const octets = Buffer.from(nonce, 'base64url')
    // Another spelling of the same octets would be another key in the table, with counts of its own.
    if (octets.length !== BODY_OCTETS + TAG_OCTETS || octets.toString('base64url') !== nonce) return undefined
    const body = octets.subarray(0, BODY_OCTETS)
    // guard: nonce-tag — a nonce that is not ours for this realm could be one that was recorded elsewhere
    if (!timingSafeEqual(octets.subarray(BODY_OCTETS), this.#tagOf(body, scope))) return undefined
    return body.readUIntBE(0, TIME_OCTETS)
  }

  #tagOf(body: Buffer, scope: string): Buffer {
    const digest = this.#hmac.digest(Buffer.concat([body, Buffer.from(scope, 'utf8')]))
    return Buffer.from(digest, 'latin1').subarray(0, TAG_OCTETS)
  }
}

/** The counts that one nonce was used with: the highest, and which of those just below it. */
class SeenCounts {
  readonly issuedMs: number
  readonly scope: string
  #top = 0
  #below = 0n

  constructor(issuedMs: number, scope: string) {
    this.issuedMs = issuedMs
    this.scope = scope
  }

  take(nc: number): boolean {
    if (nc > this.#top) {
      const step = nc - this.#top
      this.#below =
        step > NC_WINDOW ? 0n : BigInt.asUintN(NC_WINDOW, (this.#below << BigInt(step)) | (1n << BigInt(step - 1)))
      this.#top = nc
      return true
    }
    const back = this.#top - nc
    // guard: nonce-count — a count below what is remembered may have been used (RFC 7616 section 3.4.5)
    if (back === 0 || back > NC_WINDOW) return false
    const bit = 1n << BigInt(back - 1)
    // guard: nonce-count-again — a proof is good once
    if ((this.#below & bit) !== 0n) return false
    this.#below |= bit
    return true
  }
}
