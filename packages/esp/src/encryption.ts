import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'
import { assertNever, type Random } from '@rollcall/core'
import type { EspKeys } from './keys.ts'

/** AES works on blocks of 16 octets; the IV is one block (RFC 3602 section 2). */
const AES_BLOCK_OCTETS = 16
/** Without encryption the trailer still ends on a multiple of 4 octets (RFC 4303 section 2.4). */
const NULL_ALIGNMENT_OCTETS = 4

/** How a transform lays out the encrypted part of a packet. */
interface Layout {
  readonly ivOctets: number
  /** The plaintext, trailer included, is a multiple of this. */
  readonly blockOctets: number
}

/** Encrypts the packets of one outbound SA. */
export interface Encryptor extends Layout {
  /** Encrypts in place: `region` is room for the IV, and then the plaintext. */
  encrypt(region: Buffer): void
}

/** Decrypts the packets of one inbound SA. */
export interface Decryptor extends Layout {
  /** The plaintext of `region`, which is the IV and then the ciphertext. */
  decrypt(region: Buffer): Buffer
}

const NULL_LAYOUT: Layout = { ivOctets: 0, blockOctets: NULL_ALIGNMENT_OCTETS }
const AES_LAYOUT: Layout = { ivOctets: AES_BLOCK_OCTETS, blockOctets: AES_BLOCK_OCTETS }

/** The encrypting side of `keys`; `random` gives what makes each IV unpredictable. */
export function createEncryptor(keys: EspKeys, random: Random): Encryptor {
  switch (keys.encryption) {
    case 'null':
      return { ...NULL_LAYOUT, encrypt: () => {} }
    case 'aes-cbc':
      return new AesCbcEncryptor(keys, random)
    default:
      return assertNever(keys.encryption)
  }
}

/** The decrypting side of `keys`. */
export function createDecryptor(keys: EspKeys): Decryptor {
  switch (keys.encryption) {
    case 'null':
      return { ...NULL_LAYOUT, decrypt: (region) => region }
    case 'aes-cbc':
      return new AesCbcDecryptor(keys)
    default:
      return assertNever(keys.encryption)
  }
}

/**
 * AES-CBC with one cipher object for the life of the SA, since to make one costs more than to encrypt a packet.
 *
 * The object goes on chaining from packet to packet. A random block R is put in front of each plaintext; what it
 * encrypts to, E(R xor the last ciphertext block), stands in the packet as its IV, and the plaintext is chained to it as
 * CBC demands. Nobody without the key can tell that IV beforehand, which is what RFC 3602 section 3 asks for (the
 * construction is the first one of NIST SP 800-38A appendix C).
 */
class AesCbcEncryptor implements Encryptor {
  readonly ivOctets = AES_LAYOUT.ivOctets
  readonly blockOctets = AES_LAYOUT.blockOctets
  readonly #cipher: Cipheriv
  readonly #random: Random

  constructor(keys: EspKeys, random: Random) {
    // What the very first block is chained to does not matter: it is random itself.
    const start = Buffer.alloc(AES_BLOCK_OCTETS)
    this.#cipher = createCipheriv('aes-128-cbc', keys.encryptionKey.reveal(), start).setAutoPadding(false)
    this.#random = random
  }

  encrypt(region: Buffer): void {
    this.#random.bytes(AES_BLOCK_OCTETS).copy(region)
    this.#cipher.update(region).copy(region)
  }
}

/** The counterpart: what the IV itself decrypts to is thrown away, the blocks behind it are chained to it alone. */
class AesCbcDecryptor implements Decryptor {
  readonly ivOctets = AES_LAYOUT.ivOctets
  readonly blockOctets = AES_LAYOUT.blockOctets
  readonly #keys: EspKeys
  /** Made for the first packet: over UDP the SA that ends at a client port never sees one. */
  #decipher: Decipheriv | undefined

  constructor(keys: EspKeys) {
    this.#keys = keys
  }

  decrypt(region: Buffer): Buffer {
    this.#decipher ??= this.#createDecipher()
    return this.#decipher.update(region).subarray(AES_BLOCK_OCTETS)
  }

  #createDecipher(): Decipheriv {
    const start = Buffer.alloc(AES_BLOCK_OCTETS)
    return createDecipheriv('aes-128-cbc', this.#keys.encryptionKey.reveal(), start).setAutoPadding(false)
  }
}
