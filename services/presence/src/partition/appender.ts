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

/** A record whose outcome was left open. */
interface Open {
  /** Counts the records that were handed over. */
  readonly serial: number
  readonly awaiting: Awaiting
  /** Of a record before it: its own is not known. */
  readonly afterSequence: bigint
}

/**
 * Writes records of one partition, and knows what an append without acknowledgement means. Where the log goes on trying
 * (outcome open, stream full), memory stays as it is, and what waits is let go once a later append is acknowledged, and
 * before what waits for that one, which stands behind it. Where nothing was written, memory and log differ: the partition must be loaded again.
 */
export class Appender {
  readonly #log: PartitionLog
  readonly #clock: Clock
  readonly #load: AppendLoad
  readonly #onDiverged: (why: unknown) => void
  /** In the order of their serials. While there are any, the log takes nothing new: no more than its queue holds. */
  #open: Open[] = []
  #serial = 0
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
    return this.#load.isFull || this.#since.length >= RECORDS_MAX || this.#clock.monotonic() - oldestMs >= AGE_MS_MAX
  }

  /** Are there records whose outcome is open? */
  get hasOpen(): boolean {
    return this.#open.length > 0
  }

  append(record: LogRecord, traceparent: string, awaiting: Awaiting): void {
    this.#serial += 1
    const serial = this.#serial
    const afterSequence = this.#lastSequence
    this.#since.push(this.#clock.monotonic())
    this.#load.add()
    this.#log.append(encodeRecord(record), traceparent === '' ? {} : { traceparent }).then(
      ({ sequence }) => {
        this.#ended()
        this.#lastSequence = sequence
        this.#settleBefore(serial)
        // Who is stopped tells nothing; the next owner gives the same answer to who asks again.
        if (this.#isStopped) awaiting.leftOpen('partition-lost')
        else awaiting.durable(sequence)
      },
      (error: unknown) => {
        this.#ended()
        this.#failed(error, { serial, awaiting, afterSequence })
      },
    )
  }

  /** Appends `record`, which says nothing new, if something was left open: that is let go when it is acknowledged. */
  settleOpen(record: LogRecord): void {
    if (this.hasOpen) this.append(record, '', NOBODY_WAITS)
  }

  /** Hears of nothing any more. */
  stop(): void {
    this.#isStopped = true
    this.#open = []
  }

  #ended(): void {
    this.#since.shift()
    this.#load.remove()
  }

  /** Lets go what was left open before the record of this serial: that is acknowledged, and stands behind it. */
  #settleBefore(serial: number): void {
    if (this.#open.length === 0) return
    const settled = this.#open.filter((open) => open.serial < serial)
    this.#open = this.#open.filter((open) => open.serial > serial)
    // Not its own sequence: an earlier one, so that no watermark passes it by before it is told.
    for (const { awaiting, afterSequence } of settled) awaiting.durable(afterSequence + 1n)
  }

  #failed(error: unknown, open: Open): void {
    const { awaiting } = open
    const { code, outcome } = error as { readonly code?: unknown; readonly outcome?: unknown }
    const isFull = code === 'STORE_FULL'
    if (!this.#isStopped && (isFull || (code === 'STORE_UNAVAILABLE' && outcome === 'open'))) {
      this.#open.push(open)
      awaiting.leftOpen(isFull ? 'store-full' : 'store-away')
      return
    }
    // First the end of the owner: who waits looks for the next one, and must not find this one.
    if (!this.#isStopped) this.#onDiverged(error)
    awaiting.leftOpen('partition-lost')
  }
}
