import { assert, type Clock } from '@rollcall/core'
import { KeyExistsError, RevisionMismatchError, StoreUnavailableError } from '@rollcall/store'
import type { ExpiringBucket } from '../records/sealed-records.ts'

/** A bucket in memory whose entries expire by a given clock. */
export class MemoryExpiring implements ExpiringBucket {
  readonly entries = new Map<string, { value: Buffer; revision: bigint; endMs: number }>()
  /** While set, the store is away. */
  isAway = false
  #revision = 0n
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async get(key: string) {
    return this.#find(key)
  }

  async create(key: string, value: Uint8Array, o: { readonly ttlMs: number }): Promise<bigint> {
    if (this.#find(key)) throw new KeyExistsError(key)
    assert(value.length > 0, 'an empty value marks what was deleted')
    return this.#put(key, value, o.ttlMs)
  }

  async delete(key: string, revision: bigint, o: { readonly ttlMs: number }): Promise<void> {
    const entry = this.#find(key)
    if (entry?.revision !== revision) throw new RevisionMismatchError(key, revision)
    this.#put(key, Buffer.alloc(0), o.ttlMs)
  }

  #put(key: string, value: Uint8Array, ttlMs: number): bigint {
    this.#revision += 1n
    this.entries.set(key, { value: Buffer.from(value), revision: this.#revision, endMs: this.#clock.now() + ttlMs })
    return this.#revision
  }

  #find(key: string) {
    if (this.isAway) throw new StoreUnavailableError('disconnected', 'open')
    const entry = this.entries.get(key)
    return entry && entry.endMs > this.#clock.now() && entry.value.length > 0 ? entry : undefined
  }
}
