import { LogCorruptError, LogFormatError, StoreUnavailableError } from '../errors.ts'
import { EXPECTED_LAST_SUBJECT_SEQUENCE, readBatch, type StoredMessage } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { decodeLogHeader, visitRecords } from './log-message.ts'

/** One request's worth of messages: bounds what waits in memory, with few round trips for small messages. */
const BATCH_MESSAGES = 1_000
const BATCH_OCTETS = 8 * 1024 * 1024
const BATCH_MS_MAX = 10_000
/** A replica that lags is asked again after this. */
const STALE_WAIT_MS = 20
/** A partition that cannot be loaded for so long is given up by this attempt. */
const LOAD_MS_MAX = 60_000

/** A record as it lies in the log. */
export interface LoadedRecord {
  /** Sequence of the message that holds it: packed records share one. */
  readonly sequence: bigint
  /** Epoch of the owner that wrote it. */
  readonly epoch: bigint
  readonly record: Buffer
  /** Trace context of the request that caused it. */
  readonly traceparent: string | undefined
}

/**
 * Reads a partition's log from its first message up to the epoch message at `epochSequence`, and checks the chain on
 * the way: each message expected the one before it, belongs to the epoch that was in force, and counts on.
 *
 * The epoch message is the read barrier: an answer without it came from a replica that lags, and is asked for again.
 *
 * @throws LogCorruptError, StoreUnavailableError
 */
export async function loadLog(
  connection: StoreLink,
  o: { stream: string; subject: string; epochSequence: number; load: (record: LoadedRecord) => void },
): Promise<void> {
  const chain = new Chain(o.subject, o.load)
  const dueMs = connection.clock.monotonic() + LOAD_MS_MAX
  while (chain.last < o.epochSequence) {
    const before = chain.last
    try {
      await readBatch(connection, {
        stream: o.stream,
        subject: o.subject,
        from: chain.last + 1,
        messagesMax: BATCH_MESSAGES,
        octetsMax: BATCH_OCTETS,
        timeoutMs: BATCH_MS_MAX,
        onMessage: (message) => {
          if (message.sequence <= o.epochSequence && message.sequence > chain.last) chain.take(message)
        },
      })
    } catch (error) {
      if (!(error instanceof StoreUnavailableError) || connection.isClosed) throw error
    }
    if (connection.clock.monotonic() > dueMs) throw new StoreUnavailableError('no-answer', 'refused')
    if (chain.last === before) await pause(connection.clock, STALE_WAIT_MS)
  }
  if (chain.last !== o.epochSequence) {
    throw new LogCorruptError(o.subject, BigInt(o.epochSequence), 'the epoch message just written is not there')
  }
}

class Chain {
  readonly #subject: string
  readonly #load: (record: LoadedRecord) => void
  last = 0
  #epoch: bigint | undefined
  #number = 0n

  constructor(subject: string, load: (record: LoadedRecord) => void) {
    this.#subject = subject
    this.#load = load
  }

  take(message: StoredMessage): void {
    const sequence = BigInt(message.sequence)
    try {
      const header = decodeLogHeader(message.data)
      switch (header.kind) {
        case 'epoch':
          this.#epoch = sequence
          this.#number = 0n
          break
        case 'records':
          this.#check(message, header.epoch, header.number)
          visitRecords(message.data, (record, traceparent) => {
            this.#load({ sequence, epoch: header.epoch, record, traceparent })
          })
          break
      }
      this.last = message.sequence
    } catch (cause) {
      if (cause instanceof LogFormatError) throw new LogCorruptError(this.#subject, sequence, cause.message, cause)
      throw cause
    }
  }

  /** The first message of a log that was purged below it has nothing before it to be checked against. */
  #check(message: StoredMessage, epoch: bigint, number: bigint): void {
    const sequence = BigInt(message.sequence)
    const isFirst = this.#epoch === undefined
    const fail = (detail: string): never => {
      throw new LogCorruptError(this.#subject, sequence, detail)
    }
    if (!isFirst) {
      const expected = Number(message.headers?.get(EXPECTED_LAST_SUBJECT_SEQUENCE) ?? Number.NaN)
      if (expected !== this.last) fail(`it expected sequence ${expected}, but follows ${this.last}`)
      if (epoch !== this.#epoch) fail(`it belongs to epoch ${epoch}, but follows epoch ${this.#epoch}`)
      if (number !== this.#number + 1n) fail(`it is number ${number} after ${this.#number}`)
    }
    this.#epoch = epoch
    this.#number = number
  }
}
