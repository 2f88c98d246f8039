import type { UnavailableReason } from './answers.ts'
import type { LogRecord } from './log-record.ts'
import type { PartitionLog } from './partition-log.ts'
import { encodeRecord } from './record-codec.ts'

/** What waits for a record to be durable. */
export interface Awaiting {
  /** It is, with this sequence, or one that is lower where its own was not heard. */
  durable(sequence: bigint): void
  /** It may become so, or not: whoever waits for an answer waits no longer. `durable` may still come. */
  leftOpen(reason: UnavailableReason): void
}

/** For records that nobody waits for. */
export const NOBODY_WAITS: Awaiting = { durable() {}, leftOpen() {} }

/**
 * Writes records of one partition, and knows what an append without acknowledgement means. Where the log goes on trying
 * (outcome open, stream full), memory stays as it is, and what waits is let go once a later append is acknowledged,
 * for that one stands behind it. Where nothing was written, memory and log differ: the partition must be loaded again.
 */
export class Appender {
  readonly #log: PartitionLog
  readonly #onDiverged: (why: unknown) => void
  readonly #open: { readonly awaiting: Awaiting; readonly afterSequence: bigint }[] = []
  #lastSequence = 0n
  #depth = 0
  #isStopped = false

  constructor(log: PartitionLog, onDiverged: (why: unknown) => void) {
    this.#log = log
    this.#onDiverged = onDiverged
  }

  get isAvailable(): boolean {
    return !this.#isStopped && this.#log.isAvailable
  }

  /** Records on their way. */
  get depth(): number {
    return this.#depth
  }

  /** Are there records whose outcome is open? */
  get hasOpen(): boolean {
    return this.#open.length > 0
  }

  append(record: LogRecord, traceparent: string, awaiting: Awaiting): void {
    const afterSequence = this.#lastSequence
    this.#depth += 1
    this.#log.append(encodeRecord(record), traceparent === '' ? {} : { traceparent }).then(
      ({ sequence }) => {
        this.#depth -= 1
        this.#lastSequence = sequence
        if (!this.#isStopped) awaiting.durable(sequence)
      },
      (error: unknown) => {
        this.#depth -= 1
        this.#failed(error, { awaiting, afterSequence })
      },
    )
  }

  /** Lets go what was left open, once `record`, which says nothing new, is acknowledged. */
  settleOpen(record: LogRecord): void {
    if (!this.hasOpen) return
    const open = this.#open.splice(0)
    this.append(record, '', {
      durable() {
        // Not its own: an earlier one, so that no watermark passes it by before it is told.
        for (const { awaiting, afterSequence } of open) awaiting.durable(afterSequence + 1n)
      },
      leftOpen: () => {},
    })
    // Should this append be left open as well, it waits in turn for the next one, and these with it.
  }

  /** Hears of nothing any more. */
  stop(): void {
    this.#isStopped = true
    this.#open.length = 0
  }

  #failed(error: unknown, open: { readonly awaiting: Awaiting; readonly afterSequence: bigint }): void {
    const { awaiting } = open
    const { code, outcome } = error as { readonly code?: unknown; readonly outcome?: unknown }
    const isFull = code === 'STORE_FULL'
    if (!this.#isStopped && (isFull || (code === 'STORE_UNAVAILABLE' && outcome === 'open'))) {
      this.#open.push(open)
      awaiting.leftOpen(isFull ? 'store-full' : 'store-away')
      return
    }
    awaiting.leftOpen('partition-lost')
    if (!this.#isStopped) this.#onDiverged(error)
  }
}
