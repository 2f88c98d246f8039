import type { ModelMessage } from '@rollcall/store/testing'

/** Octets of a log message that say its kind and its epoch (packages/store, log-message.ts). */
const KIND_AT = 1
const EPOCH_AT = 2
const KIND_EPOCH = 1

/** Looks at every message that is stored in a partition's log: none of an old owner may come behind a newer epoch. */
export class EpochWatch {
  readonly #prefix: string
  readonly #onFault: (fault: string) => void
  readonly #epochs = new Map<string, bigint>()

  constructor(prefix: string, onFault: (fault: string) => void) {
    this.#prefix = prefix
    this.#onFault = onFault
  }

  /** The newest epoch of a partition. */
  epochOf(partition: number): bigint {
    return this.#epochs.get(`${this.#prefix}${partition}`) ?? 0n
  }

  stored({ subject, sequence, data }: ModelMessage): void {
    if (!subject.startsWith(this.#prefix)) return
    if (data[KIND_AT] === KIND_EPOCH) {
      this.#epochs.set(subject, BigInt(sequence))
      return
    }
    const epoch = Buffer.from(data.buffer, data.byteOffset, data.byteLength).readBigUInt64BE(EPOCH_AT)
    const newest = this.#epochs.get(subject)
    if (epoch !== newest) this.#onFault(`a write of epoch ${epoch} landed in ${subject} behind epoch ${newest}`)
  }
}
