import { assert, type Clock, type Random, type Timer } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { HopMalformedError } from '../errors.ts'
import { STREAM_AGE_MS } from '../grpc-limits.ts'
import { BATCH_BYTES_MAX, Batcher } from './batcher.ts'
import { decodeBatch, messageOctetsMax } from './codec.ts'
import { Deadlines } from './deadlines.ts'
import { type Elsewhere, type HopRequest, type HopSendOptions, Pending } from './pending.ts'
import type { HopLimits, HopResult, LinkEvents } from './result.ts'
import { responseBranch, responseStatus } from './sip-scan.ts'
import type { OutStream, StreamOpener } from './stream.ts'

/** A peer that accepts no connection within this time is not there. */
const CONNECT_MS_MAX = 3_000
/** Longest message with its envelope: far past what any node takes (64 KiB of body), and no batch that holds one is too long for gRPC. */
const MESSAGE_BYTES_MAX = BATCH_BYTES_MAX
/** 64*T1 with the default T1: Timer F, after which the edge has given up (RFC 3261 section 17.1.2.2). */
const DEADLINE_MS = 32_000
/** A lost stream is opened again at once, but for a peer that loses one after the other. */
const REOPEN_MS_MIN = 1_000
const BACKOFF_MS_MIN = 100
/** With the channel's own wait below it well under the 4 s that requests wait for a partition's owner. */
const BACKOFF_MS_MAX = 400
/** A stream that is past its age finishes what it carries, at most this long. */
const RETIRE_MS_MAX = 60_000
/** When the next stream does not open, the old one goes on and this passes before another try. */
const ROTATE_RETRY_MS = 30_000

type Item = Pending<LinkStream, HopLink>

/** One stream and what it still owes us. */
interface LinkStream {
  readonly out: OutStream
  readonly batcher: Batcher<Item>
  waiting: number
  isOpen: boolean
  timer: Timer | undefined
}

/**
 * One peer of the hop: a stream that is opened when first needed and again whenever it is lost, for as long as the link
 * lives. Nothing here knows SIP but the branch: by it a response finds its request.
 *
 * A request on a stream that is lost is sent once more, with the same branch, on the next one, if that opens within
 * seconds; a second loss makes it unreachable. While the peer is known to be away new requests are unreachable at once, so
 * that an edge can answer 503 without delay.
 */
export class HopLink {
  readonly #opener: StreamOpener
  readonly #clock: Clock
  readonly #random: Random
  readonly #limits: HopLimits
  readonly #events: LinkEvents
  readonly #pending = new Map<string, Item>()
  readonly #deadlines: Deadlines<Item>
  /** Requests that wait for a stream, in order. */
  #queue: Item[] = []
  #current: LinkStream | undefined
  readonly #retiring = new Set<LinkStream>()
  /** A stream that is being opened, to be the current one. */
  #opening: LinkStream | undefined
  #backoff: Timer | undefined
  #failures = 0
  #reopenedAtMs = Number.NEGATIVE_INFINITY
  #state: 'open' | 'closing' | 'closed' = 'open'
  #whenIdle: (() => void) | undefined

  constructor(o: {
    opener: StreamOpener
    clock: Clock
    random: Random
    limits: HopLimits
    events: LinkEvents
  }) {
    this.#opener = o.opener
    this.#clock = o.clock
    this.#random = o.random
    this.#limits = o.limits
    this.#events = o.events
    this.#deadlines = new Deadlines(o.clock, (item) => this.#finish(item, { kind: 'timeout' }))
  }

  /** Requests without a final response. */
  get pending(): number {
    return this.#pending.size
  }

  get isConnected(): boolean {
    return this.#current !== undefined
  }

  /** It was tried and is not there, or the link is closed: what is new is refused at once. */
  get isAway(): boolean {
    return this.#state !== 'open' || this.#backoff !== undefined
  }

  /** Whether a request more would be taken. */
  get hasRoom(): boolean {
    return this.#refusal() === undefined
  }

  /** Requests that wait to be written to the stream, or for one. */
  get unwritten(): number {
    return this.#current ? this.#current.batcher.length : this.#queue.length
  }

  /** Opens a stream without a request, unless there is one or one is being tried. */
  connect(): void {
    if (this.#current || this.#opening || this.isAway) return
    this.#open()
  }

  /** Sends a request. `on` is called later, never before this returns. `elsewhere` is where a lost one may go. */
  send(
    request: HopRequest,
    on: (result: HopResult) => void,
    o: HopSendOptions = {},
    elsewhere?: Elsewhere<HopLink>,
  ): void {
    assert(!this.#pending.has(request.branch), 'a branch is used once (RFC 3261 section 8.1.1.7)')
    // guard: hop-message-bytes — what the peer's gRPC does not take would end the stream for all, and do so again when it is sent again
    const refusal = messageOctetsMax(request) > MESSAGE_BYTES_MAX ? 'full' : this.#refusal()
    if (refusal) {
      this.#events.outcome(refusal)
      process.nextTick(on, { kind: refusal })
      return
    }
    const deadlineMs = o.deadlineMs ?? DEADLINE_MS
    const dueMs = this.#clock.monotonic() + deadlineMs
    const item: Item = new Pending(request, dueMs, this.#clock, on, o.mayLeave, elsewhere)
    this.#pending.set(item.branch, item)
    this.#deadlines.add(item, deadlineMs)
    this.#events.sent()
    this.#enqueue(item)
  }

  /** Takes nothing new, waits up to `graceMs` for what is under way, then ends. */
  async close(graceMs: number): Promise<void> {
    if (this.#state !== 'open') return
    this.#state = 'closing'
    if (this.#pending.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#whenIdle = resolve
      const timer = this.#clock.setTimer(graceMs, resolve)
      await promise
      timer.cancel()
    }
    this.#state = 'closed'
    this.#backoff?.cancel()
    for (const stream of [this.#current, this.#opening, ...this.#retiring]) if (stream) this.#drop(stream)
    this.#current = undefined
    this.#opening = undefined
    this.#retiring.clear()
    for (const item of [...this.#pending.values()]) this.#finish(item, { kind: 'unreachable' })
    this.#deadlines.clear()
    this.#opener.close()
  }

  #refusal(): 'unreachable' | 'full' | undefined {
    if (this.#state !== 'open' || this.#backoff) return 'unreachable'
    const isFull = this.#pending.size >= this.#limits.pendingMax || this.unwritten >= this.#limits.queueMessagesMax
    return isFull ? 'full' : undefined
  }

  #enqueue(item: Item): void {
    if (this.#current) {
      this.#current.batcher.push(item)
      return
    }
    this.#queue.push(item)
    if (!this.#opening && !this.#backoff) this.#open()
  }

  /** Hands a request over to another target, if there is one. */
  #handOver(item: Item): boolean {
    const other = item.elsewhere?.another(this)
    if (!other || other.#pending.has(item.branch)) return false
    this.#forget(item)
    other.#adopt(item)
    return true
  }

  #adopt(item: Item): void {
    const now = this.#clock.monotonic()
    if (item.sends > 0) item.patientUntilMs = now + this.#limits.resendMsMax
    this.#pending.set(item.branch, item)
    this.#deadlines.add(item, item.dueMs - now)
    this.#enqueue(item)
  }

  #open(): void {
    this.#backoff = undefined
    const stream: LinkStream = {
      out: this.#opener.open({
        onOpen: () => this.#opened(stream),
        onBatch: (batch) => this.#received(stream, batch),
        onDrain: () => stream.batcher.resume(),
        onEnd: (code) => this.#ended(stream, code),
      }),
      batcher: new Batcher<Item>({
        write: (octets, messages) => this.#write(stream, octets, messages),
        isWanted: (item) => this.#mayBeWritten(item),
      }),
      waiting: 0,
      isOpen: false,
      timer: this.#clock.setTimer(CONNECT_MS_MAX, () => {
        this.#drop(stream)
        this.#ended(stream, 'DEADLINE_EXCEEDED')
      }),
    }
    this.#opening = stream
  }

  #opened(stream: LinkStream): void {
    if (this.#opening !== stream) return
    this.#events.stream('opened', 'OK')
    this.#failures = 0
    this.#opening = undefined
    stream.isOpen = true
    const former = this.#current
    this.#current = stream
    if (former) this.#retire(former)
    const spread = 0.9 + 0.2 * this.#fraction()
    this.#setTimer(stream, STREAM_AGE_MS * spread, () => this.#rotate(stream))
    const waiting = this.#queue
    this.#queue = []
    for (const item of waiting) stream.batcher.push(item)
  }

  /** Opens the next stream beside this one, which goes on until that is open. */
  #rotate(stream: LinkStream): void {
    if (this.#current !== stream || this.#state !== 'open') return
    if (!this.#opening) this.#open()
    this.#setTimer(stream, ROTATE_RETRY_MS, () => this.#rotate(stream))
  }

  #retire(stream: LinkStream): void {
    for (const item of stream.batcher.stop()) this.#queue.push(item)
    this.#retiring.add(stream)
    this.#setTimer(stream, RETIRE_MS_MAX, () => {
      this.#drop(stream)
      this.#ended(stream, 'DEADLINE_EXCEEDED')
    })
    this.#endIfIdle(stream)
  }

  #endIfIdle(stream: LinkStream): void {
    if (stream.waiting === 0 && this.#retiring.has(stream)) stream.out.end()
  }

  /** Asked when a batch is made, which is written in the same breath. */
  #mayBeWritten(item: Item): boolean {
    if (item.isDone) return false
    // guard: hop-may-leave — a NOTIFY may be forbidden while it waits in a queue
    if (item.mayLeave === undefined || item.mayLeave()) return true
    this.#finish(item, { kind: 'withdrawn' })
    return false
  }

  #write(stream: LinkStream, octets: Buffer, messages: readonly Item[]): boolean {
    for (const item of messages) {
      item.stream = stream
      item.sends += 1
    }
    stream.waiting += messages.length
    this.#events.batch(messages.length)
    return stream.out.write(octets)
  }

  #received(stream: LinkStream, batch: Buffer): void {
    try {
      for (const { sip, envelope } of decodeBatch(batch)) this.#respond(sip, envelope)
    } catch (error) {
      if (!(error instanceof HopMalformedError)) throw error
      this.#drop(stream)
      this.#ended(stream, error.code)
    }
  }

  #respond(sip: Buffer, envelope: Envelope | undefined): void {
    const status = responseStatus(sip)
    const branch = status > 0 ? responseBranch(sip) : undefined
    const item = branch === undefined ? undefined : this.#pending.get(branch)
    if (!item) this.#events.stray()
    else if (status < 200) item.on({ kind: 'response', sip, envelope, status })
    else if (envelope?.misdirected && item.sends < 2 && this.#handOver(item)) this.#events.resent(1)
    else this.#finish(item, { kind: 'response', sip, envelope, status })
  }

  #ended(stream: LinkStream, code: string): void {
    stream.timer?.cancel()
    const unsent = stream.batcher.stop()
    if (this.#opening === stream) {
      this.#opening = undefined
      this.#failed(code)
      return
    }
    const isExpected = this.#retiring.delete(stream) && stream.waiting === 0
    this.#events.stream(isExpected || code === 'OK' ? 'ended' : 'lost', code)
    if (this.#current === stream) this.#current = undefined
    if (this.#state === 'closed') return
    this.#sendAgain(stream, unsent, code)
  }

  /** What the lost stream owes us goes to another target, or in front of what it had not sent yet. */
  #sendAgain(stream: LinkStream, unsent: readonly Item[], code: string): void {
    const again: Item[] = []
    let handedOver = 0
    const now = this.#clock.monotonic()
    for (const item of [...this.#pending.values()]) {
      if (item.stream !== stream) continue
      item.stream = undefined
      if (item.sends >= 2) {
        this.#finish(item, { kind: 'unreachable' })
        continue
      }
      if (this.#handOver(item)) {
        handedOver += 1
        continue
      }
      item.patientUntilMs = now + this.#limits.resendMsMax
      again.push(item)
    }
    if (again.length + handedOver > 0) this.#events.resent(again.length + handedOver)
    const items = [...again, ...unsent.filter((item) => !item.isDone && !this.#handOver(item))]
    if (this.#current) {
      for (const item of items) this.#current.batcher.push(item)
      return
    }
    this.#queue = [...items, ...this.#queue]
    if (this.#opening || this.#backoff) return
    if (now - this.#reopenedAtMs < REOPEN_MS_MIN) {
      this.#failed(code)
      return
    }
    this.#reopenedAtMs = now
    this.#open()
  }

  /** The peer is not there: who waits is told, but for what was sent already, and it is tried again after a while. */
  #failed(code: string): void {
    this.#events.stream('failed', code)
    if (this.#current || this.#state === 'closed') return
    this.#failures += 1
    const longestMs = Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (this.#failures - 1))
    this.#backoff = this.#clock.setTimer(longestMs * (0.5 + 0.5 * this.#fraction()), () => this.#open())
    const now = this.#clock.monotonic()
    const waiting = this.#queue.filter((item) => !item.isDone)
    this.#queue = []
    for (const item of waiting) {
      if (this.#handOver(item)) continue
      if (item.patientUntilMs > now) this.#queue.push(item)
      else this.#finish(item, { kind: 'unreachable' })
    }
  }

  #finish(item: Item, result: HopResult): void {
    if (item.isDone) return
    item.isDone = true
    this.#forget(item)
    this.#events.outcome(result.kind)
    item.on(result)
  }

  /** It is not this link's any more. */
  #forget(item: Item): void {
    this.#pending.delete(item.branch)
    this.#deadlines.remove(item)
    const { stream } = item
    item.stream = undefined
    if (stream) {
      stream.waiting -= 1
      this.#endIfIdle(stream)
    }
    if (this.#pending.size === 0) this.#whenIdle?.()
  }

  #drop(stream: LinkStream): void {
    stream.timer?.cancel()
    stream.out.cancel()
  }

  #setTimer(stream: LinkStream, delayMs: number, act: () => void): void {
    stream.timer?.cancel()
    stream.timer = this.#clock.setTimer(delayMs, act)
  }

  /** From 0 up to 1, to spread what would otherwise happen to all at once. */
  #fraction(): number {
    return this.#random.bytes(2).readUInt16BE() / 0x1_0000
  }
}
