import { type Random, Secret } from '@rollcall/core'
import { makeFlowToken, readFlowToken, TOKEN_KEY_OCTETS, type TokenKey, type TokenReading } from './flow-token.ts'

/** A key with the time that it came into use, epoch milliseconds. */
export interface DatedTokenKey extends TokenKey {
  readonly sinceMs: number
}

/** The one in use, and the one before it. */
export const TOKEN_KEYS_VALID = 2

/**
 * `keys`, newest first, with one more. One of the same id gives way in its place: its writing was in doubt, or it is
 * sealed anew.
 */
export function withKey<K extends { readonly keyId: number }>(keys: readonly K[], key: K): readonly K[] {
  const isThere = keys.some(({ keyId }) => keyId === key.keyId)
  return isThere ? keys.map((other) => (other.keyId === key.keyId ? key : other)) : [key, ...keys]
}

/**
 * The keys of flow tokens: the newest makes tokens, the one before still reads them, older ones do neither. A token is
 * thus good for one to two rotations; a dialog that lives longer ends with 404 and is made anew by its subscriber.
 */
export class TokenKeyRing {
  /** Newest first. */
  #keys: readonly DatedTokenKey[] = []

  /** Takes a key in, from the log or a new one. */
  add(key: DatedTokenKey): void {
    this.#keys = withKey(this.#keys, key).slice(0, TOKEN_KEYS_VALID)
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
