import { assertNever } from '@rollcall/core'
import { FencedError, LogFormatError, PartitionReleasedError } from '../errors.ts'
import { isFull, JS_SUBJECT_BUSY, JS_WRONG_LAST_SEQUENCE, lastMessage, publish } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import { decodeLogHeader } from './log-message.ts'

/** An append without an answer for so long has an open outcome, and the partition takes nothing more until then. */
const ATTEMPT_MS_MAX = 1_500
/** Reading the last message, which may be 512 KiB. */
const SETTLE_MS_MAX = 5_000
/** Waits between tries: the subject is busy for microseconds; a server restarts in tenths of a second. */
const BUSY_WAIT_MS = 2
const UNSETTLED_WAIT_MS = 50
const FULL_WAIT_MS = 500

/** Why a message is not settled yet. */
export type Trouble = 'no-answer' | 'full'

/** What came of one try to append a message. */
type Attempt =
  | { readonly kind: 'landed'; readonly sequence: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'refused' }
  | { readonly kind: 'full' }
  | { readonly kind: 'open' }

/** What the leader says of the message whose outcome was open. */
type Settled =
  | { readonly kind: 'landed'; readonly sequence: number }
  | { readonly kind: 'absent' | 'fenced' | 'unknown' }

/**
 * Appends messages to one partition's subject, each expecting the sequence of the one before it: the chain is the
 * fence (ARCHITECTURE, decision 2). A message whose outcome is open is settled by what the subject's last message is
 * by epoch and number, never by guessing, and is sent again when it is not there: a straggler of the first try can
 * then no longer land twice, since both expect the same sequence.
 */
export class ChainWriter {
  readonly epoch: bigint
  readonly #connection: StoreLink
  readonly #stream: string
  readonly #subject: string
  readonly #partition: string
  #last: number
  #number = 0n
  #isAbandoned = false

  constructor(o: {
    connection: StoreLink
    stream: string
    subject: string
    partition: string
    epochSequence: number
  }) {
    this.epoch = BigInt(o.epochSequence)
    this.#connection = o.connection
    this.#stream = o.stream
    this.#subject = o.subject
    this.#partition = o.partition
    this.#last = o.epochSequence
  }

  /** Number that the next message carries. */
  get nextNumber(): bigint {
    return this.#number + 1n
  }

  /** Ends `write` at its next step, without an outcome. */
  abandon(): void {
    this.#isAbandoned = true
  }

  /**
   * Appends a message that carries `nextNumber`, and tries until it is settled, however long that takes. `onTrouble` is
   * told, possibly several times, that it is not settled yet.
   *
   * @throws FencedError; PartitionReleasedError when abandoned.
   */
  async write(message: Buffer, onTrouble: (trouble: Trouble) => void): Promise<number> {
    for (;;) {
      if (this.#isAbandoned) throw new PartitionReleasedError(this.#partition)
      const attempt = await this.#attempt(message)
      switch (attempt.kind) {
        case 'landed':
          return this.#advance(attempt.sequence)
        case 'busy':
          await pause(this.#connection.clock, BUSY_WAIT_MS)
          break
        // guard: settle-before-fenced — a refusal may come from our own append that landed late
        case 'refused':
        case 'full':
        case 'open': {
          if (attempt.kind !== 'refused') onTrouble(attempt.kind === 'full' ? 'full' : 'no-answer')
          const sequence = await this.#settle(onTrouble)
          if (sequence !== undefined) return this.#advance(sequence)
          await pause(this.#connection.clock, attempt.kind === 'full' ? FULL_WAIT_MS : BUSY_WAIT_MS)
          break
        }
        default:
          assertNever(attempt)
      }
    }
  }

  #advance(sequence: number): number {
    this.#last = sequence
    this.#number += 1n
    return sequence
  }

  async #attempt(message: Buffer): Promise<Attempt> {
    if (!this.#connection.isConnected) return { kind: 'open' }
    try {
      const answer = await publish(this.#connection, {
        subject: this.#subject,
        data: message,
        // guard: chain-fence — an append that does not follow our own last one is another owner’s place (decision 2)
        expected: this.#last,
        timeoutMs: ATTEMPT_MS_MAX,
      })
      if (answer.ok) return { kind: 'landed', sequence: answer.sequence }
      if (answer.errorCode === JS_SUBJECT_BUSY) return { kind: 'busy' }
      if (answer.errorCode === JS_WRONG_LAST_SEQUENCE) return { kind: 'refused' }
      return { kind: isFull(answer) ? 'full' : 'open' }
    } catch (error) {
      if (isStoreTrouble(error)) return { kind: 'open' }
      throw error
    }
  }

  /** Gives the message's sequence when it landed, undefined when it did not and must be sent again. */
  async #settle(onTrouble: (trouble: Trouble) => void): Promise<number | undefined> {
    for (;;) {
      if (this.#isAbandoned) throw new PartitionReleasedError(this.#partition)
      const settled = await this.#ask()
      switch (settled.kind) {
        case 'landed':
          return settled.sequence
        case 'absent':
          return undefined
        case 'fenced':
          throw new FencedError(this.#partition, this.epoch)
        case 'unknown':
          onTrouble('no-answer')
          await pause(this.#connection.clock, UNSETTLED_WAIT_MS)
          break
        default:
          assertNever(settled)
      }
    }
  }

  async #ask(): Promise<Settled> {
    if (!this.#connection.isConnected) return { kind: 'unknown' }
    try {
      const last = await lastMessage(this.#connection, {
        stream: this.#stream,
        subject: this.#subject,
        timeoutMs: SETTLE_MS_MAX,
      })
      // Older than what was acknowledged to us: this is no leader, or the data is gone. Neither says who owns what.
      // guard: settle-stale — an answer older than what was acknowledged says nothing of who owns what
      if (!last || last.sequence < this.#last) return { kind: 'unknown' }
      if (last.sequence === this.#last) return { kind: 'absent' }
      const { kind, epoch, number } = decodeLogHeader(last.data)
      // guard: settle-own — only a message of our epoch and number is ours
      const isOurs = kind !== 'epoch' && epoch === this.epoch && number === this.nextNumber
      return isOurs ? { kind: 'landed', sequence: last.sequence } : { kind: 'fenced' }
    } catch (error) {
      // A message that we cannot read is not ours.
      if (error instanceof LogFormatError) return { kind: 'fenced' }
      if (isStoreTrouble(error)) return { kind: 'unknown' }
      throw error
    }
  }
}
