import type { Clock } from '@rollcall/core'
import type { UnavailableReason } from './answers.ts'
import type { AppendLoad } from './append-load.ts'
import { Fifo } from './fifo.ts'
import type { LogRecord } from './log-record.ts'
import type { PartitionLog } from './partition-log.ts'
import { encodeRecord } from './record-codec.ts'

/** Records of one partition on their way to the log; more requests than that are refused until some are there. */
const RECORDS_MAX = 2_048
/** When the oldest record waits for so long, new requests are refused: their answers would come too late to be of use. */
const AGE_MS_MAX = 1_000

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
  readonly #clock: Clock
  readonly #load: AppendLoad
  readonly #onDiverged: (why: unknown) => void
  /** While there are any, the log takes nothing new: no more than its queue holds. */
  readonly #open: { readonly awaiting: Awaiting; readonly afterSequence: bigint }[] = []
  /** When each record under way was handed over; they are acknowledged in order. */
  readonly #since = new Fifo<number>()
  #lastSequence = 0n
  #isStopped = false

  constructor(o: {
    readonly log: PartitionLog
    readonly clock: Clock
    readonly load: AppendLoad
    readonly onDiverged: (why: unknown) => void
  }) {
    this.#log = o.log
    this.#clock = o.clock
    this.#load = o.load
    this.#onDiverged = o.onDiverged
  }

  get isAvailable(): boolean {
    return !this.#isStopped && this.#log.isAvailable
  }

  /** Records on their way. */
  get depth(): number {
    return this.#since.length
  }

  /** Too much waits, here or in the whole process, or what waits does so for too long. */
  get isOverloaded(): boolean {
    const oldestMs = this.#since.first
    if (oldestMs === undefined) return this.#load.isFull
    return (
      this.#load.isFull || this.#since.length >= RECORDS_MAX || this.#clock.monotonic() - oldestMs >= AGE_MS_MAX
    )
  }

  /** Are there records whose outcome is open? */
  get hasOpen(): boolean {
    return this.#open.length > 0
  }

  append(record: LogRecord, traceparent: string, awaiting: Awaiting): void {
    const afterSequence = this.#lastSequence
    this.#since.push(this.#clock.monotonic())
    this.#load.add()
    this.#log.append(encodeRecord(record), traceparent === '' ? {} : { traceparent }).then(
      ({ sequence }) => {
        this.#ended()
        this.#lastSequence = sequence
        // Who is stopped tells nothing; the next owner gives the same answer to who asks again.
        if (this.#isStopped) awaiting.leftOpen('partition-lost')
        else awaiting.durable(sequence)
      },
      (error: unknown) => {
        this.#ended()
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

  #ended(): void {
    this.#since.shift()
    this.#load.remove()
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
