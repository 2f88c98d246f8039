import { LogCorruptError, LogFormatError } from '../errors.ts'
import { EXPECTED_LAST_SUBJECT_SEQUENCE, type StoredMessage } from '../jetstream-api.ts'
import type { LoadedRecord } from './load-log.ts'
import { decodeLogHeader, type LogMessageHeader, visitRecords } from './log-message.ts'

/** What the first message of a log must be. */
export type ChainStart =
  /** The epoch message of its first owner ever; `sequenceMax` when something is known that was there before. */
  | { readonly kind: 'epoch'; readonly sequenceMax?: number }
  /** The mark of the snapshot in force. */
  | { readonly kind: 'mark'; readonly sequence: number; readonly epoch: number; readonly id: string }

/**
 * Reads the messages of a log in their order and checks that nothing is missing, exchanged or foreign: each expected the one
 * before it when it was written, which the server keeps with it; it belongs to the epoch in force, and counts on in it.
 */
export class Chain {
  readonly #subject: string
  readonly #start: ChainStart
  readonly #load: (record: LoadedRecord) => void
  #last = 0
  #lastAppend = 0
  #octets = 0
  #epoch = 0n
  #number = 0n

  constructor(subject: string, start: ChainStart, load: (record: LoadedRecord) => void) {
    this.#subject = subject
    this.#start = start
    this.#load = load
  }

  /** Sequence of the message that was read last; 0 before the first. */
  get last(): number {
    return this.#last
  }

  /** Sequence of the last record or mark: epoch messages do not count. 0 when there was none. */
  get lastAppend(): number {
    return this.#lastAppend
  }

  /** Octets of the messages behind the start. */
  get octets(): number {
    return this.#octets
  }

  /** @throws LogCorruptError, and what `load` throws */
  take(message: StoredMessage): void {
    const sequence = BigInt(message.sequence)
    try {
      const header = decodeLogHeader(message.data)
      if (this.#last === 0) this.#checkStart(message, header)
      else if (header.kind !== 'epoch') this.#check(message, header)
      this.#epoch = header.kind === 'epoch' ? sequence : header.epoch
      this.#number = header.kind === 'epoch' ? 0n : header.number
      if (header.kind === 'records') {
        visitRecords(message.data, (record, traceparent) => {
          this.#load({ sequence, epoch: header.epoch, record, traceparent, fromSnapshot: false })
        })
      }
      if (this.#last > 0 || header.kind === 'epoch') this.#octets += message.data.length
      // guard: log-floor-epochs — who finds a log cut off has written an epoch message, and does not make it whole
      if (header.kind !== 'epoch') this.#lastAppend = message.sequence
      this.#last = message.sequence
    } catch (cause) {
      if (cause instanceof LogFormatError) throw new LogCorruptError(this.#subject, sequence, cause.message, cause)
      throw cause
    }
  }

  #checkStart(message: StoredMessage, header: LogMessageHeader): void {
    const start = this.#start
    if (start.kind === 'epoch') {
      // guard: log-begins — a log without its beginning is not the state
      if (header.kind !== 'epoch')
        this.#fail(message, 'the log begins in the middle of an epoch, and no manifest says why')
      if (message.sequence > (start.sequenceMax ?? Number.POSITIVE_INFINITY)) {
        this.#fail(message, `the log begins here, but epoch ${start.sequenceMax} was there before`)
      }
      return
    }
    if (message.sequence !== start.sequence) this.#fail(message, `the log begins here, not at mark ${start.sequence}`)
    const isMark = header.kind === 'mark' && header.epoch === BigInt(start.epoch) && markIdOf(message.data) === start.id
    // guard: snapshot-mark — a snapshot and a log that do not belong together are not the state
    if (!isMark) this.#fail(message, `the log does not begin with the mark of snapshot ${start.id}`)
  }

  #check(message: StoredMessage, { epoch, number }: LogMessageHeader): void {
    const expected = Number(message.headers?.get(EXPECTED_LAST_SUBJECT_SEQUENCE) || Number.NaN)
    // guard: chain-load — a message that follows another one than it expected shows that something is missing
    if (expected !== this.#last) this.#fail(message, `it expected sequence ${expected}, but follows ${this.#last}`)
    if (epoch !== this.#epoch) this.#fail(message, `it belongs to epoch ${epoch}, but follows epoch ${this.#epoch}`)
    // guard: chain-number — an owner counts its messages, so that none is missing
    if (number !== this.#number + 1n) this.#fail(message, `it is number ${number} after ${this.#number}`)
  }

  #fail(message: StoredMessage, detail: string): never {
    throw new LogCorruptError(this.#subject, BigInt(message.sequence), detail)
  }
}

/** The id that a mark carries, in hexadecimal. @throws LogFormatError */
export function markIdOf(message: Buffer): string {
  const ids: string[] = []
  visitRecords(message, (record) => void ids.push(record.toString('hex')))
  return ids.join()
}
