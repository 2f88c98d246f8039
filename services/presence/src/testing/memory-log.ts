import { assert, type RollcallError } from '@rollcall/core'
import { FencedError, type LoadedRecord, PartitionReleasedError, StoreUnavailableError } from '@rollcall/store'
import type { PartitionLog, PartitionSource } from '../partition/partition-log.ts'

interface Kept {
  readonly sequence: bigint
  readonly epoch: bigint
  readonly record: Buffer
  readonly traceparent: string | undefined
}

interface Owner {
  readonly epoch: bigint
  readonly fence: (error: FencedError) => void
}

/** A log in memory that acknowledges when it is told to, and fences as the store does. */
export class MemoryLog implements PartitionSource {
  /** What lies behind the snapshot. */
  kept: Kept[] = []
  /** What a load gives first. */
  snapshot: { readonly mark: bigint; readonly records: readonly Buffer[] } | undefined
  /** `hold`: appends land, but are not acknowledged before `acknowledge`. */
  mode: 'acknowledge' | 'hold' = 'acknowledge'
  isAvailable = true
  wantsSnapshot = false
  /** The next append is refused with this, and does not land. */
  refusal: RollcallError | undefined
  #sequence = 0n
  #held: (() => void)[] = []
  #owner: Owner | undefined
  #isLost = false

  async take(partition: number, load: (record: LoadedRecord) => void): Promise<PartitionLog> {
    const epoch = ++this.#sequence
    this.#owner?.fence(new FencedError(String(partition), this.#owner.epoch))
    for (const record of this.snapshot?.records ?? []) {
      const sequence = this.snapshot?.mark ?? 0n
      load({ sequence, epoch, record, traceparent: undefined, fromSnapshot: true })
    }
    for (const record of this.kept) load({ ...record, fromSnapshot: false })
    const { promise: lost, resolve: fence } = Promise.withResolvers<FencedError>()
    const owner = { epoch, fence }
    this.#owner = owner
    return this.#owned(partition, owner, lost)
  }

  /** Acknowledges what is held. */
  acknowledge(): void {
    for (const acknowledge of this.#held.splice(0)) acknowledge()
  }

  /** What is held is told that its outcome is open; it has landed all the same. */
  loseAnswers(): void {
    this.#isLost = true
    this.acknowledge()
    this.#isLost = false
  }

  #owned(partition: number, owner: Owner, lost: Promise<FencedError>): PartitionLog {
    const { epoch } = owner
    const log = this
    let isEnded = false
    const refusal = (): Error | undefined => {
      if (isEnded) return new PartitionReleasedError(String(partition))
      return this.#owner === owner ? undefined : new FencedError(String(partition), epoch)
    }
    const end = (): void => {
      isEnded = true
    }
    return {
      epoch,
      lost,
      get acknowledged() {
        return log.kept.at(-1)?.sequence ?? log.snapshot?.mark ?? 0n
      },
      get isAvailable() {
        return log.isAvailable && refusal() === undefined
      },
      get wantsSnapshot() {
        return log.wantsSnapshot
      },
      append: (record, o = {}) => {
        const error = refusal()
        return error ? Promise.reject(error) : this.#append(Buffer.from(record), epoch, o.traceparent)
      },
      snapshot: async (records) => await this.#snapshot(records),
      release: async () => end(),
      drop: end,
    }
  }

  /** Its records are pulled after others have had their turn, as the store does. */
  async #snapshot(records: Iterable<Uint8Array>): ReturnType<PartitionLog['snapshot']> {
    const mark = ++this.#sequence
    const startOfTail = this.kept.length
    await new Promise((resolve) => setImmediate(resolve))
    const taken = [...records].map((record) => Buffer.from(record))
    assert(taken.length > 0, 'a snapshot says something')
    this.snapshot = { mark, records: taken }
    this.kept = this.kept.slice(startOfTail)
    this.wantsSnapshot = false
    const octets = taken.reduce((sum, { length }) => sum + length, 0)
    return { mark, records: taken.length, chunks: 1, octets, purged: startOfTail, durationMs: 0 }
  }

  #append(record: Buffer, epoch: bigint, traceparent: string | undefined): ReturnType<PartitionLog['append']> {
    const { refusal } = this
    if (refusal) {
      this.refusal = undefined
      return Promise.reject(refusal)
    }
    const sequence = ++this.#sequence
    this.kept.push({ sequence, epoch, record, traceparent })
    if (this.mode === 'acknowledge') return Promise.resolve({ sequence, epoch })
    return new Promise((resolve, reject) => {
      this.#held.push(() => {
        if (this.#isLost) reject(new StoreUnavailableError('unsettled', 'open'))
        else resolve({ sequence, epoch })
      })
    })
  }
}
