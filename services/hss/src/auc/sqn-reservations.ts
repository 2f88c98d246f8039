import {
  newSqnState,
  reserveSqnBlock,
  resynchronise,
  resynchroniseBlock,
  type SqnBlock,
  type SqnSlice,
  type SqnState,
  takeSqn,
} from '@rollcall/aka'
import { assert, type Impi } from '@rollcall/core'
import { SqnRecord } from '@rollcall/proto-gen/hss'
import { startSpan } from '@rollcall/runtime'
import { KeyExistsError, RevisionMismatchError } from '@rollcall/store'
import { ConcurrentChangeError } from '../errors.ts'
import { KeyedQueue } from '../keyed-queue.ts'
import type { Bucket } from '../subscribers/bucket.ts'
import { decodeRecord, encodeRecord } from '../subscribers/record.ts'
import type { RecordKeys } from '../subscribers/record-keys.ts'
import { sqnRecordOf, sqnStateOf } from './sqn-record.ts'

/** Blocks held in memory; beyond it the oldest is dropped and its numbers are skipped. */
const BLOCKS_MAX = 10_000

/** How often a reservation that met another replica's write starts again. */
const ATTEMPTS_MAX = 5

/** Whose sequence numbers, and where they begin. */
export interface SqnOwner {
  readonly impi: Impi
  /** Of the subscription: a record of another generation is void. */
  readonly generation: Buffer
  readonly initialSqn: bigint
}

/** A block, and the revision of the record that reserved it. */
interface HeldBlock {
  readonly revision: bigint
  readonly block: SqnBlock
}

/** The SQN record of an owner as it is now. */
interface StoredState {
  readonly revision: bigint | undefined
  /** The revision a held block must have; none when the record is another generation's. */
  readonly blockRevision: bigint | undefined
  readonly state: SqnState
}

/**
 * The network's sequence numbers, reserved ahead: one compare-and-set write for a block, the numbers then come from
 * memory. Numbers that are lost with the process are skipped, which the ISIM does not mind (TS 33.102 annex C.1.2).
 *
 * A block counts only while its record has the revision that the reservation gave it. So no two replicas ever interleave
 * their blocks: a lower SEQ behind a higher one with the same IND would be refused by the ISIM.
 */
export class SqnReservations {
  readonly #bucket: Bucket
  readonly #keys: RecordKeys
  readonly #held = new Map<string, HeldBlock>()
  readonly #queue = new KeyedQueue()

  constructor(options: { readonly bucket: Bucket; readonly keys: RecordKeys }) {
    this.#bucket = options.bucket
    this.#keys = options.keys
  }

  /** The next sequence number of `owner` in `slice`; never given out twice, also across crashes and replicas. */
  async take(owner: SqnOwner, slice: SqnSlice): Promise<bigint> {
    return await this.#next(owner, slice, undefined)
  }

  /**
   * Takes the ISIM's word for its SQN_MS, which the caller has verified, and gives a number that the ISIM accepts.
   *
   * @see TS 33.102 clause 6.3.5
   */
  async takeAfterResynchronisation(owner: SqnOwner, slice: SqnSlice, sqnMs: bigint): Promise<bigint> {
    return await this.#next(owner, slice, sqnMs)
  }

  async #next(owner: SqnOwner, slice: SqnSlice, sqnMs: bigint | undefined): Promise<bigint> {
    const key = this.#keys.sqn(owner.impi)
    return await this.#queue.run(key, async () => {
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        const stored = await this.#read(key, owner)
        const sqn = this.#takeHeld(key, stored, slice, sqnMs) ?? (await this.#reserve(key, owner, stored, slice, sqnMs))
        if (sqn !== undefined) return sqn
      }
      throw new ConcurrentChangeError()
    })
  }

  #takeHeld(key: string, stored: StoredState, slice: SqnSlice, sqnMs: bigint | undefined): bigint | undefined {
    const held = this.#held.get(key)
    // guard: sqn-block-own — a block counts only while nobody else has reserved behind it
    if (!held || held.revision !== stored.blockRevision) return undefined
    const block = sqnMs === undefined ? held.block : resynchroniseBlock(held.block, sqnMs).block
    const taken = takeSqn(block, slice)
    // What is left of the block is the place to go on from: a resynchronisation may have moved it.
    this.#hold(key, { revision: held.revision, block: taken?.block ?? block })
    return taken?.sqn
  }

  /** Reserves the next block and gives its first number; undefined when somebody else wrote in between. */
  async #reserve(
    key: string,
    owner: SqnOwner,
    stored: StoredState,
    slice: SqnSlice,
    sqnMs: bigint | undefined,
  ): Promise<bigint | undefined> {
    const held = this.#held.get(key)
    const from = held && held.revision === stored.blockRevision ? held.block.state : stored.state
    const { mark, block } = reserveSqnBlock(sqnMs === undefined ? from : resynchronise(from, sqnMs).state)
    const value = encodeRecord(SqnRecord, sqnRecordOf(owner.generation, mark))
    const span = startSpan('hss reserve SQN')
    const revision = await this.#write(key, value, stored.revision).finally(() => span.end())
    if (revision === undefined) return undefined
    const taken = takeSqn(block, slice)
    assert(taken, 'a new block holds a number')
    this.#hold(key, { revision, block: taken.block })
    return taken.sqn
  }

  async #read(key: string, owner: SqnOwner): Promise<StoredState> {
    const entry = await this.#bucket.get(key)
    const record = entry && decodeRecord(SqnRecord, key, entry.value)
    const isCurrent = record?.generation.equals(owner.generation) === true
    return {
      revision: entry?.revision,
      blockRevision: isCurrent ? entry?.revision : undefined,
      state: record && isCurrent ? sqnStateOf(record) : newSqnState(owner.initialSqn),
    }
  }

  async #write(key: string, value: Buffer, revision: bigint | undefined): Promise<bigint | undefined> {
    try {
      if (revision === undefined) return await this.#bucket.create(key, value)
      return await this.#bucket.update(key, value, revision)
    } catch (error) {
      if (error instanceof KeyExistsError || error instanceof RevisionMismatchError) return undefined
      throw error
    }
  }

  #hold(key: string, block: HeldBlock): void {
    this.#held.delete(key)
    this.#held.set(key, block)
    if (this.#held.size <= BLOCKS_MAX) return
    const oldest = this.#held.keys().next()
    if (!oldest.done) this.#held.delete(oldest.value)
  }
}
