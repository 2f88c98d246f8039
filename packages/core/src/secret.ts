import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const PRINTED = '[secret]'

/**
 * Octets that must not be seen: K, OPc, RES, CK, IK, Ks, sealing keys. However it is printed, it prints `[secret]`;
 * the octets come out by `reveal` alone, so that a search for that word finds each place which handles them.
 */
export class Secret {
  readonly #bytes: Buffer

  /** Takes a copy of `bytes`. */
  constructor(bytes: Uint8Array) {
    // Not out of Node's pool: a key would keep a whole block of it, and lie among what is sent.
    this.#bytes = Buffer.alloc(bytes.length)
    this.#bytes.set(bytes)
  }

  /** @throws RangeError when `hex` is not an even number of hexadecimal digits. */
  static fromHex(hex: string): Secret {
    if (!/^(?:[0-9a-fA-F]{2})*$/.test(hex)) throw new RangeError('not hexadecimal octets')
    return new Secret(Buffer.from(hex, 'hex'))
  }

  get length(): number {
    return this.#bytes.length
  }

  /** The octets themselves, not a copy: do not keep, change or print them. */
  reveal(): Buffer {
    return this.#bytes
  }

  /** Compares in constant time for equal lengths. */
  equals(other: Secret): boolean {
    return this.#bytes.length === other.#bytes.length && timingSafeEqual(this.#bytes, other.#bytes)
  }

  toString(): string {
    return PRINTED
  }

  // guard: secret-json — a key never prints
  toJSON(): string {
    return PRINTED
  }

  [inspect.custom](): string {
    return PRINTED
  }
}
