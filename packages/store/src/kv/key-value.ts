import { randomUUID } from 'node:crypto'
import { checkStream } from '../check-stream.ts'
import {
  InvalidKeyError,
  JetStreamError,
  KeyExistsError,
  RecordTooLargeError,
  RevisionMismatchError,
  StoreFullError,
  StoreUnavailableError,
} from '../errors.ts'
import {
  isFull,
  JS_SUBJECT_BUSY,
  JS_WRONG_LAST_SEQUENCE,
  lastMessage,
  publish,
  readBatch,
  type StoredMessage,
  streamInfo,
} from '../jetstream-api.ts'
import { BUCKETS, type BucketName, bucketStreamName, streamsOf } from '../layout.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'

/** One value. */
const VALUE_OCTETS_MAX = 64 * 1024
const KEY_OCTETS_MAX = 200
const KEY = /^[A-Za-z0-9_=/-]+(?:\.[A-Za-z0-9_=/-]+)*$/
const READ_MS_MAX = 2_000
const WRITE_MS_MAX = 1_500
/** A write that is not settled by then has an open outcome for its caller. */
const SETTLE_MS_MAX = 3_000
const RETRY_WAIT_MS = 20
const BATCH_KEYS = 1_000
const BATCH_OCTETS = 4 * 1024 * 1024
const BATCH_MS_MAX = 10_000

/** Header that marks a deleted key, as NATS's own clients write it. */
const OPERATION_HEADER = 'KV-Operation'
/** Header by which nats-server removes a message by itself, after whole seconds. */
const TTL_HEADER = 'Nats-TTL'
/** Header that tells one of our writes from all others when its answer was lost. */
const WRITE_HEADER = 'Rollcall-Write'

/** A value and the revision that an update of it must name. */
export interface KeyValueEntry {
  readonly value: Buffer
  readonly revision: bigint
}

/**
 * A bucket of keys and values with compare-and-set. Reads ask the stream's leader, so an update after a read fails only
 * when someone wrote in between. There is no cache. An entry of an expiring bucket has a time to live, which an update would
 * end: there a key is created and never updated.
 */
export class KeyValue {
  readonly #connection: StoreLink
  readonly #stream: string
  readonly #bucket: string

  private constructor(connection: StoreLink, bucket: string) {
    this.#connection = connection
    this.#bucket = bucket
    this.#stream = bucketStreamName(bucket)
  }

  /** @throws StreamMissingError, StreamMismatchError, StoreUnavailableError, StoreDeniedError */
  static async open(o: { connection: StoreLink; bucket: BucketName }): Promise<KeyValue> {
    const name = bucketStreamName(o.bucket)
    const { config } = await streamInfo(o.connection, name, READ_MS_MAX)
    for (const layout of streamsOf(BUCKETS[o.bucket])) if (layout.name === name) checkStream(layout, config)
    return new KeyValue(o.connection, o.bucket)
  }

  /** @throws InvalidKeyError, StoreUnavailableError */
  async get(key: string): Promise<KeyValueEntry | undefined> {
    const message = await this.#last(this.#subject(key))
    if (!message || isDeleted(message)) return undefined
    return { value: message.data, revision: BigInt(message.sequence) }
  }

  /**
   * Gives a key its first value, or its first one after a delete. After `ttlMs`, rounded up to seconds, it is gone, in a
   * bucket whose entries expire.
   *
   * @throws KeyExistsError, InvalidKeyError, RecordTooLargeError, StoreUnavailableError, StoreFullError
   */
  async create(key: string, value: Uint8Array, o: { readonly ttlMs?: number } = {}): Promise<bigint> {
    const subject = this.#subject(key)
    const ttl = ttlHeader(o.ttlMs)
    const revision = await this.#write(subject, value, 0, ttl)
    if (revision !== undefined) return BigInt(revision)
    const last = await this.#last(subject)
    if (last && isDeleted(last)) {
      const again = await this.#write(subject, value, last.sequence, ttl)
      if (again !== undefined) return BigInt(again)
    }
    throw new KeyExistsError(key)
  }

  /**
   * Replaces the value of a key that is at `revision`.
   *
   * @throws RevisionMismatchError, InvalidKeyError, RecordTooLargeError, StoreUnavailableError, StoreFullError
   */
  async update(key: string, value: Uint8Array, revision: bigint): Promise<bigint> {
    const written = await this.#write(this.#subject(key), value, Number(revision), [])
    if (written === undefined) throw new RevisionMismatchError(key, revision)
    return BigInt(written)
  }

  /**
   * Deletes a key that is at `revision`. What marks it deleted is gone after `ttlMs`; without, it stays.
   *
   * @throws RevisionMismatchError, InvalidKeyError, StoreUnavailableError, StoreFullError
   */
  async delete(key: string, revision: bigint, o: { readonly ttlMs?: number } = {}): Promise<void> {
    const marker = [[OPERATION_HEADER, 'DEL'], ...ttlHeader(o.ttlMs)] as const
    const written = await this.#write(this.#subject(key), Buffer.alloc(0), Number(revision), marker)
    if (written === undefined) throw new RevisionMismatchError(key, revision)
  }

  /**
   * Lists the keys below a prefix of whole tokens: `subscriber` finds `subscriber.a`. In the order of their last
   * change; one that changes meanwhile may come twice, and a replica may be some moments behind.
   *
   * @throws InvalidKeyError, StoreUnavailableError
   */
  async *keys(prefix: string): AsyncIterable<string> {
    const subject = `${this.#subject(prefix)}.>`
    const skip = `$KV.${this.#bucket}.`.length
    for (let from = 1, isMore = true; isMore; ) {
      const found: string[] = []
      let count = 0
      await readBatch(this.#connection, {
        stream: this.#stream,
        subject,
        from,
        messagesMax: BATCH_KEYS,
        octetsMax: BATCH_OCTETS,
        timeoutMs: BATCH_MS_MAX,
        onMessage: (message, at) => {
          count += 1
          from = message.sequence + 1
          if (!isDeleted(message)) found.push(at.slice(skip))
        },
      })
      yield* found
      isMore = count > 0
    }
  }

  #subject(key: string): string {
    if (key.length > KEY_OCTETS_MAX || !KEY.test(key)) throw new InvalidKeyError(key)
    return `$KV.${this.#bucket}.${key}`
  }

  async #last(subject: string): Promise<StoredMessage | undefined> {
    return await lastMessage(this.#connection, { stream: this.#stream, subject, timeoutMs: READ_MS_MAX })
  }

  /**
   * Writes if the subject's last message is `expected`, 0 for none. Gives the revision, or undefined when it is not. A
   * lost answer is settled by reading what is there; a write that did not land is sent again.
   */
  async #write(
    subject: string,
    value: Uint8Array,
    expected: number,
    marker: readonly (readonly [string, string])[],
  ): Promise<number | undefined> {
    if (value.length > VALUE_OCTETS_MAX) throw new RecordTooLargeError(value.length, VALUE_OCTETS_MAX)
    const { clock } = this.#connection
    const dueMs = clock.monotonic() + SETTLE_MS_MAX
    const write = randomUUID()
    const headers = [[WRITE_HEADER, write], ...marker] as const
    // True once a try of this write may have reached the server: then a refusal may be due to our own success.
    let isOpen = false
    for (;;) {
      try {
        const o = { subject, data: value, expected, headers, timeoutMs: WRITE_MS_MAX }
        const answer = await publish(this.#connection, o)
        if (answer.ok) return answer.sequence
        if (answer.errorCode === JS_WRONG_LAST_SEQUENCE) return isOpen ? await this.#find(subject, write) : undefined
        if (isFull(answer)) throw new StoreFullError(subject)
        if (answer.errorCode !== JS_SUBJECT_BUSY) throw new JetStreamError(answer.errorCode, answer.description)
      } catch (error) {
        if (!(error instanceof StoreUnavailableError)) throw error
        isOpen = true
        if (clock.monotonic() >= dueMs || this.#connection.isClosed) throw error
      }
      await pause(clock, RETRY_WAIT_MS)
    }
  }

  async #find(subject: string, write: string): Promise<number | undefined> {
    const last = await this.#last(subject)
    return last?.headers?.get(WRITE_HEADER) === write ? last.sequence : undefined
  }
}

function ttlHeader(ttlMs: number | undefined): readonly (readonly [string, string])[] {
  return ttlMs === undefined ? [] : [[TTL_HEADER, `${Math.max(1, Math.ceil(ttlMs / 1000))}s`]]
}

function isDeleted(message: StoredMessage): boolean {
  const operation = message.headers?.get(OPERATION_HEADER) ?? ''
  return operation === 'DEL' || operation === 'PURGE'
}
