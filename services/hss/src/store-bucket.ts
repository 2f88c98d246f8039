import { RollcallError } from '@rollcall/core'
import { KeyExistsError, RevisionMismatchError, type StoreConnection, StoreUnavailableError } from '@rollcall/store'
import type { Bucket } from './subscribers/bucket.ts'

/**
 * A bucket that remembers whether it answered last: what `/readyz` says when NATS came back without its streams, as it
 * does with another key or an emptied folder.
 */
export class WatchedBucket implements Bucket {
  readonly #bucket: Bucket
  readonly #connection: Pick<StoreConnection, 'isConnected'>
  #problem: string | undefined

  constructor(bucket: Bucket, connection: Pick<StoreConnection, 'isConnected'>) {
    this.#bucket = bucket
    this.#connection = connection
  }

  /** Code of what the last operation failed with, if it failed. */
  get problem(): string | undefined {
    return this.#problem
  }

  async get(key: string): ReturnType<Bucket['get']> {
    return await this.#watch(this.#bucket.get(key))
  }

  async create(key: string, value: Uint8Array): Promise<bigint> {
    return await this.#watch(this.#bucket.create(key, value))
  }

  async update(key: string, value: Uint8Array, revision: bigint): Promise<bigint> {
    return await this.#watch(this.#bucket.update(key, value, revision))
  }

  async delete(key: string, revision: bigint): Promise<void> {
    await this.#watch(this.#bucket.delete(key, revision))
  }

  /** A list waits for many answers: it does not begin while there is nobody to give them. */
  keys(prefix: string): AsyncIterable<string> {
    if (!this.#connection.isConnected) throw new StoreUnavailableError('disconnected', 'refused')
    return this.#bucket.keys(prefix)
  }

  async #watch<T>(operation: Promise<T>): Promise<T> {
    try {
      const result = await operation
      this.#problem = undefined
      return result
    } catch (error) {
      const isAnswer = error instanceof KeyExistsError || error instanceof RevisionMismatchError
      this.#problem = isAnswer || !(error instanceof RollcallError) ? undefined : error.code
      throw error
    }
  }
}
