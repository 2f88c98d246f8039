import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto'
import { assert, type Random, Secret, systemRandom } from '@rollcall/core'
import { SealedRecordError } from './errors.ts'
import { readSealingKeys, SEALING_KEY_OCTETS, type SealingKeys } from './sealing-keys.ts'

/*
 * A sealed record: version of this format (1), length of the key id (1), key id, salt (32), tag (16), ciphertext.
 *
 * The salt is fresh for each seal, and with it the key: AES-256-GCM's nonce can then be the same each time. Associated
 * data: all before the salt, the record's version, the record's key.
 */

const FORMAT_VERSION = 1
const CIPHER = 'aes-256-gcm'
const SALT_OCTETS = 32
const TAG_OCTETS = 16
const NONCE = Buffer.alloc(12)
const SEAL_INFO = 'rollcall seal 1'
const HASH_INFO = 'rollcall hash 1'
/** 128 bits: no two identities of a network will ever share a hash. */
const HASH_OCTETS = 16

/** What a sealed record belongs to: it opens nowhere else. */
export interface SealContext {
  /** Where the record lies: a key of a bucket, a subject. */
  readonly recordKey: string
  /** Version of the plaintext's format. */
  readonly version: number
}

/**
 * Seals what must not be read in the store, nor by who can read the store (K, OPc, Ks, CK, IK): AES-256-GCM under a
 * key that HKDF-SHA-256 derives for each record from a master key.
 *
 * Rotation: add a key to the file and make it `current`; the old one still opens; seal anew what `needsResealing`;
 * then remove the old one, unless it is the one that hashes come from.
 */
export class Sealer {
  readonly #keys: SealingKeys
  readonly #hashKey: Buffer
  readonly #random: Random

  constructor(keys: SealingKeys, random: Random = systemRandom) {
    const hashKey = keys.keys.get(keys.hash)
    assert(hashKey && keys.keys.has(keys.current), 'sealing keys are checked when they are read')
    this.#keys = keys
    this.#random = random
    this.#hashKey = Buffer.from(hkdfSync('sha256', hashKey.reveal(), '', HASH_INFO, SEALING_KEY_OCTETS))
  }

  /** @throws SealingKeysError */
  static async load(file: string): Promise<Sealer> {
    return new Sealer(await readSealingKeys(file))
  }

  seal(plaintext: Uint8Array | Secret, context: SealContext): Buffer {
    const id = Buffer.from(this.#keys.current, 'latin1')
    const head = Buffer.concat([Buffer.of(FORMAT_VERSION, id.length), id])
    const salt = this.#random.bytes(SALT_OCTETS)
    const cipher = createCipheriv(CIPHER, this.#recordKey(this.#keys.current, salt), NONCE)
    cipher.setAAD(associatedData(head, context))
    const octets = plaintext instanceof Secret ? plaintext.reveal() : plaintext
    const ciphertext = Buffer.concat([cipher.update(octets), cipher.final()])
    return Buffer.concat([head, salt, cipher.getAuthTag(), ciphertext])
  }

  /** @throws SealedRecordError */
  open(sealed: Uint8Array, context: SealContext): Secret {
    const { head, keyId, body } = readHead(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength))
    if (!this.#keys.keys.has(keyId)) throw new SealedRecordError('unknown-key', keyId)
    const salt = body.subarray(0, SALT_OCTETS)
    const tag = body.subarray(SALT_OCTETS, SALT_OCTETS + TAG_OCTETS)
    const decipher = createDecipheriv(CIPHER, this.#recordKey(keyId, salt), NONCE, { authTagLength: TAG_OCTETS })
    decipher.setAAD(associatedData(head, context)).setAuthTag(tag)
    try {
      return new Secret(Buffer.concat([decipher.update(body.subarray(SALT_OCTETS + TAG_OCTETS)), decipher.final()]))
    } catch {
      throw new SealedRecordError('not-authentic', keyId)
    }
  }

  /** True for a record that another key than the current one sealed. @throws SealedRecordError when it is none. */
  needsResealing(sealed: Uint8Array): boolean {
    return readHead(Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)).keyId !== this.#keys.current
  }

  /**
   * A keyed hash that stands for an identity in keys and subjects: 32 hexadecimal digits, the same for ever, whichever
   * key seals. `label` keeps kinds of identities apart.
   */
  hash(label: string, identity: string): string {
    const hmac = createHmac('sha256', this.#hashKey).update(`${label.length}:${label}:${identity}`, 'utf8')
    return hmac.digest('hex').slice(0, 2 * HASH_OCTETS)
  }

  #recordKey(keyId: string, salt: Buffer): Buffer {
    const master = this.#keys.keys.get(keyId)
    assert(master, 'the key was looked for before')
    return Buffer.from(hkdfSync('sha256', master.reveal(), salt, SEAL_INFO, SEALING_KEY_OCTETS))
  }
}

function readHead(sealed: Buffer): { head: Buffer; keyId: string; body: Buffer } {
  const idOctets = sealed[1] ?? 0
  const bodyAt = 2 + idOctets
  const isWhole = sealed.length >= bodyAt + SALT_OCTETS + TAG_OCTETS
  if (sealed[0] !== FORMAT_VERSION || idOctets === 0 || !isWhole) throw new SealedRecordError('malformed')
  return {
    head: sealed.subarray(0, bodyAt),
    keyId: sealed.toString('latin1', 2, bodyAt),
    body: sealed.subarray(bodyAt),
  }
}

function associatedData(head: Buffer, context: SealContext): Buffer {
  const version = Buffer.alloc(4)
  version.writeUInt32BE(context.version)
  // guard: sealing-associated-data — what was sealed for one record opens for no other
  return Buffer.concat([head, version, Buffer.from(context.recordKey, 'utf8')])
}
