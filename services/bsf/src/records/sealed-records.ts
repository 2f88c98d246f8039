import { Secret } from '@rollcall/core'
import { KeyExistsError, RevisionMismatchError, type SealContext } from '@rollcall/store'
import { RecordUnreadableError } from '../errors.ts'

/** What is needed of a bucket whose entries expire; `KeyValue` has it, and so has the tests' memory. */
export interface ExpiringBucket {
  get(key: string): Promise<{ readonly value: Buffer; readonly revision: bigint } | undefined>
  /** @throws KeyExistsError */
  create(key: string, value: Uint8Array, o: { readonly ttlMs: number }): Promise<bigint>
  /** @throws RevisionMismatchError */
  delete(key: string, revision: bigint, o: { readonly ttlMs: number }): Promise<void>
}

/** What is needed of `Sealer`. */
export interface RecordSealer {
  seal(plaintext: Secret, context: SealContext): Buffer
  open(sealed: Buffer, context: SealContext): Secret
  hash(label: string, identity: string): string
}

/** A generated message type. */
interface MessageType<T> {
  encode(message: T): { finish(): Uint8Array }
  decode(bytes: Uint8Array): T
}

/** Of the plaintext: it is sealed in, so that a record of another version does not open as this one. */
const RECORD_VERSION = 1

/**
 * Records of one kind, each created once with a time to live and never changed: an update would make a key permanent
 * (readings.md, Ut 4). What lies in the bucket is sealed whole, under a key that is a keyed hash.
 *
 * @see TS 33.220 clause 4.4.11
 */
export class SealedRecords<T> {
  readonly #kind: string
  readonly #type: MessageType<T>
  readonly #bucket: ExpiringBucket
  readonly #sealer: RecordSealer

  constructor(o: {
    readonly kind: string
    readonly type: MessageType<T>
    readonly bucket: ExpiringBucket
    readonly sealer: RecordSealer
  }) {
    this.#kind = o.kind
    this.#type = o.type
    this.#bucket = o.bucket
    this.#sealer = o.sealer
  }

  /**
   * Stores a record that is gone after `ttlMs`; false when there is one of this name.
   *
   * @throws what the store throws.
   */
  async create(name: string, record: T, ttlMs: number): Promise<boolean> {
    const key = this.#keyOf(name)
    const octets = Buffer.from(this.#type.encode(record).finish())
    // guard: bsf-sealed — what lies in the store opens with our keys alone
    const sealed = this.#sealer.seal(new Secret(octets), this.#contextOf(key))
    octets.fill(0)
    try {
      await this.#bucket.create(key, sealed, { ttlMs })
      return true
    } catch (error) {
      if (error instanceof KeyExistsError) return false
      throw error
    }
  }

  /** @throws what the store throws; SealedRecordError, RecordUnreadableError when it is not a record that we wrote here. */
  async get(name: string): Promise<{ readonly record: T; readonly revision: bigint } | undefined> {
    const key = this.#keyOf(name)
    const entry = await this.#bucket.get(key)
    if (!entry) return undefined
    const octets = this.#sealer.open(entry.value, this.#contextOf(key)).reveal()
    try {
      return { record: this.#type.decode(octets), revision: entry.revision }
    } catch (cause) {
      throw new RecordUnreadableError(`${this.#kind} record`, { cause })
    }
  }

  /** Takes a record away; false when somebody else did. What marks that is gone after `ttlMs`. */
  async take(name: string, revision: bigint, ttlMs: number): Promise<boolean> {
    try {
      await this.#bucket.delete(this.#keyOf(name), revision, { ttlMs })
      return true
    } catch (error) {
      if (error instanceof RevisionMismatchError) return false
      throw error
    }
  }

  #keyOf(name: string): string {
    return `${this.#kind}.${this.#sealer.hash(this.#kind, name)}`
  }

  #contextOf(recordKey: string): SealContext {
    return { recordKey, version: RECORD_VERSION }
  }
}
