import { createHmac, createSecretKey, type KeyObject, timingSafeEqual } from 'node:crypto'
import { assert } from '@rollcall/core'
import type { EspKeys } from './keys.ts'

/** Both algorithms keep the first 96 bits of the HMAC (RFC 2403 section 2, RFC 2404 section 2). */
export const HMAC_ICV_OCTETS = 12

const HASHES: Readonly<Record<string, string>> = { 'hmac-sha-1-96': 'sha1', 'hmac-md5-96': 'md5' }

/** Makes and checks the integrity check values of one SA with HMAC. */
export class Integrity {
  readonly #hash: string
  readonly #key: KeyObject

  constructor(keys: Pick<EspKeys, 'integrity' | 'integrityKey'>) {
    const hash = HASHES[keys.integrity]
    assert(hash !== undefined, `${keys.integrity} is no HMAC`)
    this.#hash = hash
    this.#key = createSecretKey(keys.integrityKey.reveal())
  }

  /** Writes the ICV over everything before `at` to `at`. */
  write(packet: Buffer, at: number): void {
    this.#digest(packet, at).copy(packet, at, 0, HMAC_ICV_OCTETS)
  }

  /** Whether the ICV at `at` belongs to everything before it; in constant time. */
  check(packet: Buffer, at: number): boolean {
    const icv = packet.subarray(at, at + HMAC_ICV_OCTETS)
    return timingSafeEqual(this.#digest(packet, at).subarray(0, HMAC_ICV_OCTETS), icv)
  }

  #digest(packet: Buffer, end: number): Buffer {
    return createHmac(this.#hash, this.#key).update(packet.subarray(0, end)).digest()
  }
}
