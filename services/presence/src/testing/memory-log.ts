import type { RollcallError } from '@rollcall/core'
import { FencedError, type LoadedRecord, StoreUnavailableError } from '@rollcall/store'
import type { PartitionLog, PartitionSource } from '../partition/partition-log.ts'

interface Kept {
  readonly sequence: bigint
  readonly epoch: bigint
  readonly record: Buffer
  readonly traceparent: string | undefined
}

/** A log in memory that acknowledges when it is told to, and fences as the store does. */
export class MemoryLog implements PartitionSource {
  readonly kept: Kept[] = []
  /** `hold`: appends land, but are not acknowledged before `acknowledge`. */
  mode: 'acknowledge' | 'hold' = 'acknowledge'
  isAvailable = true
  #sequence = 0n
  #held: (() => void)[] = []
  #owner: { epoch: bigint; fence: (error: FencedError) => void } | undefined
  /** The next append is refused with this, and does not land. */
  refusal: RollcallError | undefined

  async take(partition: number, load: (record: LoadedRecord) => void): Promise<PartitionLog> {
    const epoch = ++this.#sequence
    this.#owner?.fence(new FencedError(String(partition), this.#owner.epoch))
    for (const record of this.kept) load(record)
    const { promise: lost, resolve: fence } = Promise.withResolvers<FencedError>()
    const owner = { epoch, fence }
    this.#owner = owner
    const isOwner = (): boolean => this.#owner === owner
    const log = this
    return {
      lost,
      get isAvailable() {
        return log.isAvailable && isOwner()
      },
      append: (record, o = {}) => {
        if (!isOwner()) return Promise.reject(new FencedError(String(partition), epoch))
        return this.#append(Buffer.from(record), epoch, o.traceparent)
      },
      release: async () => {},
    }
  }

  /** Acknowledges what is held. */
  acknowledge(): void {
    for (const acknowledge of this.#held.splice(0)) acknowledge()
  }

  /** What is held is told that its outcome is open; it has landed all the same. */
  loseAnswers(): void {
    this.#lost = true
    for (const acknowledge of this.#held.splice(0)) acknowledge()
    this.#lost = false
  }

  #lost = false

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
        if (this.#lost) reject(new StoreUnavailableError('unsettled', 'open'))
        else resolve({ sequence, epoch })
      })
    })
  }
}
