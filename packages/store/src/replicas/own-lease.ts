import type { Clock, Timer } from '@rollcall/core'
import { JetStreamError } from '../errors.ts'
import { JS_SUBJECT_BUSY, JS_WRONG_LAST_SEQUENCE, lastMessage, publish } from '../jetstream-api.ts'
import { pause } from '../pause.ts'
import type { StoreLink } from '../store-link.ts'
import { isStoreTrouble } from '../store-trouble.ts'
import { LeaseContendedError, LeaseFormatError } from './errors.ts'
import type { Lease } from './lease.ts'
import { decodeLease, encodeLease, type LeaseRecord } from './lease-record.ts'

/** The first heartbeat is tried so often against others that write the same lease, with a wait in between. */
const JOINS_MAX = 10
const JOIN_WAIT_MS = 5
/** Tries whose moment of sending is remembered. One of before that lands late keeps the chain, and gives no lease. */
const TRIES_MAX = 8
/** A timer may fire a little early. */
const EARLY_MS = 1

/** What a heartbeat says, but for what tells heartbeats apart. */
export type LeaseContent = Omit<LeaseRecord, 'incarnation' | 'beat'>

/** What came of a heartbeat. */
export type Beaten =
  | { readonly kind: 'acknowledged' }
  /** It may have landed or not: beat again. */
  | { readonly kind: 'open' }
  /** The lease is another's: whoever revoked it, or a newer incarnation of the same name. */
  | { readonly kind: 'deposed'; readonly why: 'revoked' | 'overtaken' }

/** A try to write a heartbeat whose outcome may still be open. */
interface Try {
  readonly beat: number
  readonly sentMs: number
  readonly sentWallMs: number
}

/**
 * This replica's lease: one subject, each heartbeat expecting the sequence of the one before. It is live for `leaseMs`
 * from *sending* the last acknowledged one, so that it ends here before it can be over anywhere else.
 *
 * @see ARCHITECTURE, decision 3
 */
export class OwnLease implements Lease {
  readonly #connection: StoreLink
  readonly #stream: string
  readonly #subject: string
  readonly #clock: Clock
  readonly #leaseMs: number
  readonly #attemptMs: number
  readonly #listeners = new Set<(isLive: boolean) => void>()
  #incarnation = ''
  #sequence = 0
  #beat = 0
  #tries: Try[] = []
  #acknowledged: Try | undefined
  #wasLive = false
  #expiry: Timer | undefined

  constructor(o: {
    connection: StoreLink
    stream: string
    subject: string
    clock: Clock
    leaseMs: number
    /** A heartbeat without an answer for so long is sent anew. */
    attemptMs: number
  }) {
    this.#connection = o.connection
    this.#stream = o.stream
    this.#subject = o.subject
    this.#clock = o.clock
    this.#leaseMs = o.leaseMs
    this.#attemptMs = o.attemptMs
  }

  /** The wall clock guards against a machine that slept: its monotonic clock may have slept as well. */
  get isLive(): boolean {
    const sent = this.#acknowledged
    return (
      sent !== undefined &&
      // guard: lease-length — a lease ends here before it can be over anywhere else (decision 3)
      this.#clock.monotonic() - sent.sentMs < this.#leaseMs &&
      // guard: lease-slept — a machine that slept may have stopped its monotonic clock
      this.#clock.now() - sent.sentWallMs < this.#leaseMs
    )
  }

  onChange(listener: (isLive: boolean) => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  get incarnation(): string {
    return this.#incarnation
  }

  /** Sequence of the last acknowledged heartbeat: what is read together with it, or later, is no older. */
  get sequence(): number {
    return this.#sequence
  }

  /**
   * Becomes the holder of the lease under a fresh incarnation, whoever held it. `content` is given what lay there.
   *
   * @throws LeaseContendedError, StreamMissingError, StoreUnavailableError, StoreDeniedError, JetStreamError
   */
  async acquire(incarnation: string, content: (before: LeaseRecord | 'unreadable' | undefined) => LeaseContent) {
    this.#depose()
    for (let tries = 0; tries < JOINS_MAX; tries += 1) {
      const last = await this.#last()
      const before = last && readable(last.data)
      const attempt = this.#attempt()
      const lease = { incarnation, beat: attempt.beat, ...content(before) }
      const answer = await this.#publish(encodeLease(lease), last?.sequence ?? 0)
      if (answer.ok) {
        this.#incarnation = incarnation
        this.#acknowledge(attempt, answer.sequence)
        return before
      }
      const isRace = answer.errorCode === JS_WRONG_LAST_SEQUENCE || answer.errorCode === JS_SUBJECT_BUSY
      if (!isRace) throw new JetStreamError(answer.errorCode, answer.description)
      await pause(this.#clock, JOIN_WAIT_MS)
    }
    throw new LeaseContendedError(this.#subject)
  }

  /** Writes one heartbeat. An earlier one without an answer is settled before, by the subject's last message, not by guessing. */
  async beat(content: LeaseContent): Promise<Beaten> {
    if (!this.#connection.isConnected) return { kind: 'open' }
    try {
      if (this.#tries.length > 0) {
        const settled = await this.#settle()
        if (settled.kind === 'deposed') return settled
      }
      const attempt = this.#attempt()
      this.#tries = [...this.#tries.slice(1 - TRIES_MAX), attempt]
      const lease = { incarnation: this.#incarnation, beat: attempt.beat, ...content }
      const answer = await this.#publish(encodeLease(lease), this.#sequence)
      if (answer.ok) {
        this.#acknowledge(attempt, answer.sequence)
        return { kind: 'acknowledged' }
      }
      return answer.errorCode === JS_WRONG_LAST_SEQUENCE ? await this.#settle() : { kind: 'open' }
    } catch (error) {
      if (isStoreTrouble(error)) return { kind: 'open' }
      throw error
    }
  }

  /** What lies there now, asked of the leader; for one who was deposed. */
  async read(): Promise<{ readonly sequence: number; readonly record: LeaseRecord | undefined } | undefined> {
    const last = await this.#last()
    if (!last) return undefined
    const record = readable(last.data)
    return { sequence: last.sequence, record: record === 'unreadable' ? undefined : record }
  }

  /** Ends the lease here, without a word to the store. */
  end(): void {
    this.#depose()
  }

  #attempt(): Try {
    this.#beat += 1
    return { beat: this.#beat, sentMs: this.#clock.monotonic(), sentWallMs: this.#clock.now() }
  }

  async #publish(data: Buffer, expected: number) {
    return await publish(this.#connection, { subject: this.#subject, data, expected, timeoutMs: this.#attemptMs })
  }

  async #last() {
    return await lastMessage(this.#connection, {
      stream: this.#stream,
      subject: this.#subject,
      timeoutMs: this.#attemptMs,
    })
  }

  /** What became of tries without an answer: the one that has landed, if any, is the last message. */
  async #settle(): Promise<Beaten> {
    const last = await this.#last()
    // A leader that was replaced and does not know it yet may say less than we were told.
    if (last && last.sequence <= this.#sequence) return { kind: 'open' }
    const record = last && readable(last.data)
    const isOurs = record === undefined || (record !== 'unreadable' && record.incarnation === this.#incarnation)
    if (last && record && record !== 'unreadable' && isOurs && record.state !== 'revoked') {
      const landed = this.#tries.find(({ beat }) => beat === record.beat)
      this.#acknowledge(landed ?? this.#acknowledged, last.sequence)
      return { kind: 'open' }
    }
    this.#depose()
    return { kind: 'deposed', why: isOurs ? 'revoked' : 'overtaken' }
  }

  #acknowledge(attempt: Try | undefined, sequence: number): void {
    // It may have ended without its timer: a clock that jumped, a process that was stopped. Who waits for it must hear of both.
    this.#tell()
    this.#sequence = sequence
    this.#tries = []
    this.#acknowledged = attempt
    this.#tell()
    this.#awaitExpiry()
  }

  #awaitExpiry(): void {
    this.#expiry?.cancel()
    const sent = this.#acknowledged
    if (!sent || !this.isLive) return
    const leftMs = sent.sentMs + this.#leaseMs - this.#clock.monotonic()
    this.#expiry = this.#clock.setTimer(Math.max(leftMs, EARLY_MS), () => {
      this.#tell()
      this.#awaitExpiry()
    })
  }

  #depose(): void {
    this.#acknowledged = undefined
    this.#tries = []
    this.#expiry?.cancel()
    this.#tell()
  }

  #tell(): void {
    const { isLive } = this
    if (isLive === this.#wasLive) return
    this.#wasLive = isLive
    for (const listener of [...this.#listeners]) listener(isLive)
  }
}

function readable(data: Buffer): LeaseRecord | 'unreadable' {
  try {
    return decodeLease(data)
  } catch (error) {
    if (error instanceof LeaseFormatError) return 'unreadable'
    throw error
  }
}
