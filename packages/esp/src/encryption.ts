import { type Cipheriv, createCipheriv, createDecipheriv, type Decipheriv } from 'node:crypto'
import { assert, type Random } from '@rollcall/core'
import type { EspKeys } from './keys.ts'

/** Without encryption the trailer still ends on a multiple of 4 octets (RFC 4303 section 2.4). */
export const ALIGNMENT_OCTETS = 4

/** A block cipher in CBC mode: its IV is one block (RFC 3602 section 2, RFC 2451 section 2). */
interface CbcCipher {
  readonly name: string
  readonly blockOctets: number
}

const CBC_CIPHERS: Readonly<Record<string, CbcCipher>> = {
  'aes-cbc': { name: 'aes-128-cbc', blockOctets: 16 },
  'des-ede3-cbc': { name: 'des-ede3-cbc', blockOctets: 8 },
}

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

const NULL_LAYOUT: Layout = { ivOctets: 0, blockOctets: ALIGNMENT_OCTETS }

type EncryptionKeys = Pick<EspKeys, 'encryption' | 'encryptionKey'>

/** The encrypting side of `keys`, CBC or nothing; `random` gives what makes each IV unpredictable. */
export function createEncryptor(keys: EncryptionKeys, random: Random): Encryptor {
  return keys.encryption === 'null' ? { ...NULL_LAYOUT, encrypt: () => {} } : new CbcEncryptor(keys, random)
}

/** The decrypting side of `keys`. */
export function createDecryptor(keys: EncryptionKeys): Decryptor {
  return keys.encryption === 'null' ? { ...NULL_LAYOUT, decrypt: (region) => region } : new CbcDecryptor(keys)
}

/**
 * CBC with one cipher object for the life of the SA, since to make one costs more than to encrypt a packet.
 *
 * The object goes on chaining from packet to packet. A random block R is put in front of each plaintext; what it
 * encrypts to, E(R xor the last ciphertext block), stands in the packet as its IV, and the plaintext is chained to it as
 * CBC demands. Nobody without the key can tell that IV beforehand, which is what RFC 3602 section 3 and
 * RFC 2451 section 3 ask for (the construction is the first one of NIST SP 800-38A appendix C).
 */
class CbcEncryptor implements Encryptor {
  readonly ivOctets: number
  readonly blockOctets: number
  readonly #cipher: Cipheriv
  readonly #random: Random

  constructor(keys: EncryptionKeys, random: Random) {
    const { name, blockOctets } = cbcCipherOf(keys)
    this.ivOctets = blockOctets
    this.blockOctets = blockOctets
    // What the very first block is chained to does not matter: it is random itself.
    const start = Buffer.alloc(blockOctets)
    this.#cipher = createCipheriv(name, keys.encryptionKey.reveal(), start).setAutoPadding(false)
    this.#random = random
  }

  encrypt(region: Buffer): void {
    this.#random.bytes(this.blockOctets).copy(region)
    this.#cipher.update(region).copy(region)
  }
}

/** The counterpart: what the IV itself decrypts to is thrown away, the blocks behind it are chained to it alone. */
class CbcDecryptor implements Decryptor {
  readonly ivOctets: number
  readonly blockOctets: number
  readonly #keys: EncryptionKeys
  /** Made for the first packet: over UDP the SA that ends at a client port never sees one. */
  #decipher: Decipheriv | undefined

  constructor(keys: EncryptionKeys) {
    const { blockOctets } = cbcCipherOf(keys)
    this.ivOctets = blockOctets
    this.blockOctets = blockOctets
    this.#keys = keys
  }

  decrypt(region: Buffer): Buffer {
    this.#decipher ??= this.#createDecipher()
    return this.#decipher.update(region).subarray(this.ivOctets)
  }

  #createDecipher(): Decipheriv {
    const { name, blockOctets } = cbcCipherOf(this.#keys)
    return createDecipheriv(name, this.#keys.encryptionKey.reveal(), Buffer.alloc(blockOctets)).setAutoPadding(false)
  }
}

function cbcCipherOf({ encryption }: EncryptionKeys): CbcCipher {
  const cipher = CBC_CIPHERS[encryption]
  assert(cipher !== undefined, `${encryption} is no block cipher in CBC mode`)
  return cipher
}
