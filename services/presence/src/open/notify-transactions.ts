import { type Clock, RollcallError, type Timer } from '@rollcall/core'
import { CORE_TIMERS } from '@rollcall/sip'
import type { SocketAddress } from '@rollcall/sip-net'
import { Pacer } from '../partition/pacer.ts'
import type { NotifyResult } from '../sip/notify-way.ts'

/** NOTIFYs without a final response at once: some 100 MB of them. At the bound a NOTIFY is `full`: later again. */
const TRANSACTIONS_MAX = 65_536

/** What begins a transaction. */
export interface OpenNotify {
  readonly octets: Buffer
  readonly branch: string
  readonly to: SocketAddress
  /** Asked each time that it goes out. */
  readonly mayLeave: () => boolean
  readonly on: (result: NotifyResult) => void
}

/** One NOTIFY that is not answered yet. */
interface Transaction {
  /** Let go once it has ended: the pacers hold on to the rest of it for some seconds. */
  notify: OpenNotify | undefined
  readonly sinceMs: number
  /** Which of the intervals of timer E comes next. */
  step: number
  timerF: Timer | undefined
}

/**
 * Non-INVITE client transactions over UDP for messages that are octets already, with a timer for all instead of three
 * for each: sends again after T1, 2*T1 … T2 until a response comes (timer E), every T2 behind a provisional one, and
 * gives up after `timeoutMs` (timer F). A final response ends it at once: a later copy of it finds nothing and is dropped,
 * which is all that timer K is for.
 *
 * @see RFC 3261 section 17.1.2
 */
export class NotifyTransactions {
  readonly #clock: Clock
  readonly #timeoutMs: number
  readonly #send: (octets: Buffer, to: SocketAddress) => void
  readonly #byBranch = new Map<string, Transaction>()
  /** One for each interval of timer E; the last one, T2, again and again. */
  readonly #timersE: readonly { readonly intervalMs: number; readonly pacer: Pacer<Transaction> }[]

  /** @param o.send may throw a RollcallError: then the NOTIFY has not left, and the peer is unreachable. */
  constructor(o: {
    readonly clock: Clock
    readonly timeoutMs: number
    readonly send: (octets: Buffer, to: SocketAddress) => void
  }) {
    const { clock } = o
    this.#clock = clock
    this.#timeoutMs = o.timeoutMs
    this.#send = o.send
    const intervals: number[] = []
    for (let ms = CORE_TIMERS.t1Ms; ms < CORE_TIMERS.t2Ms; ms *= 2) intervals.push(ms)
    this.#timersE = [...intervals, CORE_TIMERS.t2Ms].map((intervalMs) => ({
      intervalMs,
      pacer: new Pacer<Transaction>({ clock, intervalMs, onRested: (transaction) => this.#again(transaction) }),
    }))
  }

  /** Transactions that wait for their final response. */
  get size(): number {
    return this.#byBranch.size
  }

  /** Begins a transaction. Its `on` is never called before this returns. */
  begin(notify: OpenNotify): void {
    if (this.#byBranch.size >= TRANSACTIONS_MAX) {
      process.nextTick(notify.on, { kind: 'full' })
      return
    }
    if (!notify.mayLeave()) {
      process.nextTick(notify.on, { kind: 'withdrawn' })
      return
    }
    if (!this.#trySend(notify)) {
      process.nextTick(notify.on, { kind: 'unreachable' })
      return
    }
    const transaction: Transaction = { notify, sinceMs: this.#clock.monotonic(), step: 0, timerF: undefined }
    this.#byBranch.set(notify.branch, transaction)
    this.#await(transaction)
  }

  /** Takes a response; false when nobody waits for it. */
  respond(branch: string, status: number): boolean {
    const transaction = this.#byBranch.get(branch)
    if (!transaction) return false
    if (status >= 200) this.#end(transaction, { kind: 'response', status })
    else {
      transaction.step = this.#timersE.length - 1
      transaction.notify?.on({ kind: 'response', status })
    }
    return true
  }

  /** Ends all: nobody hears of them any more. */
  close(): void {
    for (const { pacer } of this.#timersE) pacer.stop()
    for (const transaction of this.#byBranch.values()) transaction.timerF?.cancel()
    this.#byBranch.clear()
  }

  /** Waits for timer E, or for timer F when that comes first. */
  #await(transaction: Transaction): void {
    const timerE = this.#timersE[transaction.step]
    const leftMs = transaction.sinceMs + this.#timeoutMs - this.#clock.monotonic()
    if (timerE && timerE.intervalMs < leftMs) timerE.pacer.rest(transaction)
    else transaction.timerF = this.#clock.setTimer(leftMs, () => this.#end(transaction, { kind: 'timeout' }))
  }

  #again(transaction: Transaction): void {
    const { notify } = transaction
    if (!notify) return
    if (!notify.mayLeave()) {
      this.#end(transaction, { kind: 'withdrawn' })
      return
    }
    if (!this.#trySend(notify)) {
      this.#end(transaction, { kind: 'unreachable' })
      return
    }
    transaction.step = Math.min(transaction.step + 1, this.#timersE.length - 1)
    this.#await(transaction)
  }

  #trySend({ octets, to }: OpenNotify): boolean {
    try {
      this.#send(octets, to)
      return true
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      return false
    }
  }

  #end(transaction: Transaction, result: NotifyResult): void {
    const { notify } = transaction
    if (!notify) return
    transaction.notify = undefined
    transaction.timerF?.cancel()
    this.#byBranch.delete(notify.branch)
    notify.on(result)
  }
}
