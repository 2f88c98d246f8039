import type { Span } from '@opentelemetry/api'
import { PACK_HEADER_OCTETS, PACK_OCTETS_MAX, PACK_RECORDS_MAX } from './log-message.ts'
import { framedOctets, type LogRecord } from './record-frame.ts'

/** What an append is told when its message was acknowledged. */
export interface Appended {
  /** Sequence of the message that holds the record: packed records share one. */
  readonly sequence: bigint
  readonly epoch: bigint
}

/** A record on its way, with who waits for it. */
export interface PendingAppend extends LogRecord {
  /** The mark of a snapshot travels alone: it splits the log at its very place. */
  readonly kind: 'records' | 'mark'
  readonly sinceMs: number
  readonly span: Span | undefined
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: Error) => void
  /** True once its caller was answered. */
  isAnswered: boolean
}

/** Records that wait for the append under way. Three seconds of 1,400 records a second: more than callers wait for. */
const QUEUE_RECORDS_MAX = 4_096
const QUEUE_OCTETS_MAX = 8 * 1024 * 1024
/** Room kept for an owner that asked whether there is room and then appends several records of one decision. */
const QUEUE_RECORDS_RESERVE = 256
const QUEUE_OCTETS_RESERVE = 2 * 1024 * 1024

/** The records of a partition that wait for their message, bounded. */
export class AppendQueue {
  #entries: PendingAppend[] = []
  #octets = 0

  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** False shortly before records are refused. */
  get hasRoom(): boolean {
    return (
      this.#entries.length < QUEUE_RECORDS_MAX - QUEUE_RECORDS_RESERVE &&
      this.#octets < QUEUE_OCTETS_MAX - QUEUE_OCTETS_RESERVE
    )
  }

  get first(): PendingAppend | undefined {
    return this.#entries[0]
  }

  /** False when a record of so many octets is one too many. */
  canTake(octets: number): boolean {
    return this.#entries.length < QUEUE_RECORDS_MAX && this.#octets + octets <= QUEUE_OCTETS_MAX
  }

  push(entry: PendingAppend): void {
    this.#entries.push(entry)
    this.#octets += entry.record.length
  }

  /** Takes as many records, in order, as one message may hold, or one mark. */
  takePack(): PendingAppend[] {
    let octets = PACK_HEADER_OCTETS
    let count = 0
    for (const entry of this.#entries) {
      // guard: mark-alone — a mark splits the log where the state was taken
      if (entry.kind === 'mark') {
        if (count === 0) count = 1
        break
      }
      const framed = framedOctets(entry)
      if (count === PACK_RECORDS_MAX || octets + framed > PACK_OCTETS_MAX) break
      octets += framed
      count += 1
    }
    return this.#take(count)
  }

  takeAll(): PendingAppend[] {
    return this.#take(this.#entries.length)
  }

  [Symbol.iterator](): Iterator<PendingAppend> {
    return this.#entries[Symbol.iterator]()
  }

  #take(count: number): PendingAppend[] {
    const taken = count === this.#entries.length ? this.#entries : this.#entries.slice(0, count)
    this.#entries = count === this.#entries.length ? [] : this.#entries.slice(count)
    for (const entry of taken) this.#octets -= entry.record.length
    return taken
  }
}
