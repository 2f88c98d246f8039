import { KeyExistsError, RevisionMismatchError } from '@rollcall/store'
import type { Bucket } from '../bucket.ts'

/** What a test may do before each operation: wait, or fail. */
export type Gate = (operation: 'get' | 'create' | 'update' | 'delete', key: string) => Promise<void> | void

/** A bucket in memory with the semantics of the store's, for tests of what stands on it. */
export class MemoryBucket implements Bucket {
  readonly entries = new Map<string, { value: Buffer; revision: bigint }>()
  gate: Gate = () => {}
  writes = 0
  #revision = 0n

  async get(key: string): Promise<{ value: Buffer; revision: bigint } | undefined> {
    await this.gate('get', key)
    return this.entries.get(key)
  }

  async create(key: string, value: Uint8Array): Promise<bigint> {
    await this.gate('create', key)
    if (this.entries.has(key)) throw new KeyExistsError(key)
    return this.#put(key, value)
  }

  async update(key: string, value: Uint8Array, revision: bigint): Promise<bigint> {
    await this.gate('update', key)
    if (this.entries.get(key)?.revision !== revision) throw new RevisionMismatchError(key, revision)
    return this.#put(key, value)
  }

  async delete(key: string, revision: bigint): Promise<void> {
    await this.gate('delete', key)
    if (this.entries.get(key)?.revision !== revision) throw new RevisionMismatchError(key, revision)
    this.entries.delete(key)
    this.writes++
  }

  async *keys(prefix: string): AsyncIterable<string> {
    for (const key of [...this.entries.keys()]) if (key.startsWith(`${prefix}.`)) yield key
  }

  #put(key: string, value: Uint8Array): bigint {
    this.#revision++
    this.writes++
    this.entries.set(key, { value: Buffer.from(value), revision: this.#revision })
    return this.#revision
  }
}
