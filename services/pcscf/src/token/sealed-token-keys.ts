import type { Sealer } from '@rollcall/store'
import { RECORD_VERSION } from '../contacts/record.ts'
import { type DatedTokenKey, TOKEN_KEYS_VALID, withKey } from './token-key-ring.ts'

/** Those that count, and one that is on its way into the log. */
const KEYS_KEPT = TOKEN_KEYS_VALID + 1

/** A token key as the log has it. */
export interface SealedTokenKey {
  readonly keyId: number
  readonly sealedKey: Buffer
  readonly sinceMs: number
}

/**
 * The token keys as they lie in the log. Each is opened only when the log has been read: what a later record sealed anew, or
 * what no token is checked with any more, may be sealed by a key that is not there any more.
 */
export class SealedTokenKeys {
  readonly #sealer: Pick<Sealer, 'open' | 'seal' | 'needsResealing'>
  readonly #partition: string
  /** Newest first, as in the ring. */
  #keys: readonly SealedTokenKey[] = []

  /** @param partition the P-CSCF's own; part of what a key is sealed for. */
  constructor(sealer: Pick<Sealer, 'open' | 'seal' | 'needsResealing'>, partition: string) {
    this.#sealer = sealer
    this.#partition = partition
  }

  /** Takes in what a record says, when it is read and when it is written. */
  add(key: SealedTokenKey): void {
    this.#keys = withKey(this.#keys, key).slice(0, KEYS_KEPT)
  }

  /** What the log says, oldest first: a snapshot of it. */
  get records(): readonly SealedTokenKey[] {
    return this.#keys.toReversed()
  }

  /**
   * The keys that count, oldest first, and those of them that another key than the current one sealed.
   *
   * @throws SealedRecordError
   */
  open(): { readonly keys: readonly DatedTokenKey[]; readonly outdated: readonly DatedTokenKey[] } {
    const valid = this.#keys.slice(0, TOKEN_KEYS_VALID)
    const opened = valid.toReversed().map(({ keyId, sealedKey, sinceMs }) => ({
      isOutdated: this.#sealer.needsResealing(sealedKey),
      key: { keyId, sinceMs, key: this.#sealer.open(sealedKey, this.#contextOf(keyId)) },
    }))
    return {
      keys: opened.map(({ key }) => key),
      outdated: opened.filter(({ isOutdated }) => isOutdated).map(({ key }) => key),
    }
  }

  seal({ keyId, key, sinceMs }: DatedTokenKey): SealedTokenKey {
    return { keyId, sealedKey: this.#sealer.seal(key, this.#contextOf(keyId)), sinceMs }
  }

  #contextOf(keyId: number): { recordKey: string; version: number } {
    return { recordKey: `pcscf/${this.#partition}/token-key/${keyId}`, version: RECORD_VERSION }
  }
}
