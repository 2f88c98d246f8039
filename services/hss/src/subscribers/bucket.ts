import type { Secret } from '@rollcall/core'

/** What the HSS needs of a key-value bucket; `KeyValue` of the store package has it, and so has the tests' memory. */
export interface Bucket {
  get(key: string): Promise<{ readonly value: Buffer; readonly revision: bigint } | undefined>
  /** @throws KeyExistsError */
  create(key: string, value: Uint8Array): Promise<bigint>
  /** @throws RevisionMismatchError */
  update(key: string, value: Uint8Array, revision: bigint): Promise<bigint>
  /** @throws RevisionMismatchError */
  delete(key: string, revision: bigint): Promise<void>
  /** Keys below a prefix of whole tokens, in any order; one that changes meanwhile may come twice. */
  keys(prefix: string): AsyncIterable<string>
}

/** Seals what must not be read in the store, and hashes what must not be read in a key. */
export interface RecordSealer {
  seal(plaintext: Secret, context: SealContext): Buffer
  open(sealed: Buffer, context: SealContext): Secret
  /** True for what another key than the current one sealed. */
  needsResealing(sealed: Buffer): boolean
  hash(label: string, identity: string): string
}

/** Which record and which version of its format a sealed value belongs to. */
export interface SealContext {
  readonly recordKey: string
  readonly version: number
}
