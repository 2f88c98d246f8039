import { type Random, Secret } from '@rollcall/core'
import { makeFlowToken, readFlowToken, TOKEN_KEY_OCTETS, type TokenKey, type TokenReading } from './flow-token.ts'

/** A key with the time that it came into use, epoch milliseconds. */
export interface DatedTokenKey extends TokenKey {
  readonly sinceMs: number
}

/** The one in use, and the one before it. */
const KEYS_VALID = 2

/**
 * The keys of flow tokens: the newest makes tokens, the one before still reads them, older ones do neither. A token is
 * thus good for one to two rotations; a dialog that lives longer ends with 404 and is made anew by its subscriber.
 */
export class TokenKeyRing {
  /** Newest first. */
  #keys: readonly DatedTokenKey[] = []

  /** Takes a key in, from the log or a new one. One of the same id, whose writing was in doubt, gives way. */
  add(key: DatedTokenKey): void {
    const others = this.#keys.filter(({ keyId }) => keyId !== key.keyId)
    this.#keys = [key, ...others].slice(0, KEYS_VALID)
  }

  /** Forgets all keys, before the log is read anew. */
  clear(): void {
    this.#keys = []
  }

  get isEmpty(): boolean {
    return this.#keys.length === 0
  }

  /** When the next key is due. */
  dueAtMs(rotateMs: number): number {
    const newest = this.#keys[0]
    return newest ? newest.sinceMs + rotateMs : 0
  }

  /** A key to follow the newest one. It is not in the ring yet: first it must be in the log. */
  nextKey(random: Random, nowMs: number): DatedTokenKey {
    const newest = this.#keys[0]
    const keyId = newest ? (newest.keyId + 1) >>> 0 : 1
    return { keyId, key: new Secret(random.bytes(TOKEN_KEY_OCTETS)), sinceMs: nowMs }
  }

  /** The token of a registration; undefined before there is a key. */
  make(registrationId: Buffer): string | undefined {
    const newest = this.#keys[0]
    return newest && makeFlowToken(newest, registrationId)
  }

  read(token: string): TokenReading {
    return readFlowToken(this.#keys, token)
  }
}
