import { timingSafeEqual } from 'node:crypto'
import { assert, Hmac } from '@rollcall/core'
import type { EspKeys } from './keys.ts'

/** Both algorithms keep the first 96 bits of the HMAC (RFC 2403 section 2, RFC 2404 section 2). */
export const HMAC_ICV_OCTETS = 12

const HASHES: Readonly<Record<string, 'sha1' | 'md5'>> = { 'hmac-sha-1-96': 'sha1', 'hmac-md5-96': 'md5' }

/** Makes and checks the integrity check values of one SA with HMAC. */
export class Integrity {
  readonly #hmac: Hmac

  constructor(keys: Pick<EspKeys, 'integrity' | 'integrityKey'>) {
    const hash = HASHES[keys.integrity]
    assert(hash !== undefined, `${keys.integrity} is no HMAC`)
    this.#hmac = new Hmac(hash, keys.integrityKey)
  }

  /** Writes the ICV over everything before `at` to `at`. */
  write(packet: Buffer, at: number): void {
    packet.write(this.#hmac.digest(packet, at), at, HMAC_ICV_OCTETS, 'latin1')
  }

  /** Whether the ICV at `at` belongs to everything before it; in constant time. */
  check(packet: Buffer, at: number): boolean {
    const icv = packet.subarray(at, at + HMAC_ICV_OCTETS)
    const right = Buffer.from(this.#hmac.digest(packet, at), 'latin1').subarray(0, HMAC_ICV_OCTETS)
    return timingSafeEqual(right, icv)
  }
}
