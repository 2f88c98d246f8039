import type { Msg, MsgHdrs } from '@nats-io/transport-node'
import type { Clock } from '@rollcall/core'
import { StoreUnavailableError, type UnavailableReason } from '../errors.ts'
import type { RequestPort, StoreLink } from '../store-link.ts'
import type { JetStreamModel } from './jetstream-model.ts'

/** What becomes of one request on its way to the model and back. */
export interface Fate {
  /** When it is there; several times when it is doubled; never when it is lost. */
  readonly arrivesAfterMs: readonly number[]
  /** How long its answer takes; undefined when that is lost. */
  readonly answeredAfterMs: number | undefined
  /** See `ServeOptions`. */
  readonly lag?: number
  /** Asked when it arrives: the server may be away. */
  readonly isServed?: () => boolean
  /** Asked when it arrives, see `ServeOptions`. */
  readonly leaderLag?: () => number
}

const PROMPT: Fate = { arrivesAfterMs: [0.25], answeredAfterMs: 0.25 }
/** A hint is overheard after this. */
const HINT_MS = 0.25

export interface ModelLinkOptions {
  readonly model: JetStreamModel
  /** The clock of this client. */
  readonly clock: Clock
  /** The clock of the way and the server; the client's own by default. */
  readonly network?: Clock
  readonly fateOf?: (subject: string) => Fate
  /** Whether heartbeats of others are overheard. */
  readonly hasHints?: boolean
  /** Whether this client's process runs: if not, what comes waits until it does. */
  readonly whenAwake?: (act: () => void) => void
}

interface Pending {
  settle(act: () => void): void
  fail(reason: UnavailableReason): void
}

/** A client's connection to the model, whose every message may be lost, late or doubled. */
export class ModelLink implements StoreLink {
  readonly clock: Clock
  readonly requests: RequestPort
  readonly onStatus: NonNullable<StoreLink['onStatus']>
  readonly subscribe: NonNullable<StoreLink['subscribe']>
  isClosed = false
  readonly #o: ModelLinkOptions
  readonly #network: Clock
  readonly #pending = new Set<Pending>()
  readonly #statusListeners = new Set<(status: 'connected' | 'disconnected') => void>()
  #isConnected = true
  /** Counts connections: what was sent on an earlier one is not answered. */
  #connection = 0

  constructor(o: ModelLinkOptions) {
    this.#o = o
    this.clock = o.clock
    this.#network = o.network ?? o.clock
    this.requests = {
      request: (subject, payload, { headers, timeoutMs }) =>
        new Promise((resolve, reject) => {
          const onMessage = (message: Msg): boolean => {
            resolve(message)
            return true
          }
          this.#send({ subject, payload, headers, timeoutMs, onMessage, onError: reject })
        }),
      requestMany: (subject, payload, { timeoutMs, onMessage }) =>
        new Promise<void>((resolve, reject) => {
          const take = (message: Msg): boolean => {
            try {
              if (!onMessage(message)) return false
              resolve()
            } catch (error) {
              reject(error)
            }
            return true
          }
          this.#send({ subject, payload, headers: undefined, timeoutMs, onMessage: take, onError: reject })
        }),
    }
    this.onStatus = (listener) => {
      this.#statusListeners.add(listener)
      return () => void this.#statusListeners.delete(listener)
    }
    this.subscribe = (subject, onMessage) => this.#subscribe(subject, onMessage)
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Cuts the connection: requests under way fail, and their answers are lost. */
  disconnect(): void {
    if (!this.#isConnected) return
    this.#isConnected = false
    this.#connection += 1
    for (const listener of [...this.#statusListeners]) listener('disconnected')
    this.#failAll('disconnected')
  }

  connect(): void {
    if (this.#isConnected || this.isClosed) return
    this.#isConnected = true
    for (const listener of [...this.#statusListeners]) listener('connected')
  }

  /** The process has ended: nothing is sent or heard any more. */
  close(): void {
    this.isClosed = true
    this.#isConnected = false
    this.#connection += 1
    this.#failAll('closed')
  }

  #failAll(reason: UnavailableReason): void {
    for (const pending of [...this.#pending]) pending.fail(reason)
  }

  #send(o: {
    subject: string
    payload: Uint8Array
    headers: MsgHdrs | undefined
    timeoutMs: number
    onMessage: (message: Msg) => boolean
    onError: (error: Error) => void
  }): void {
    const { subject, headers, onMessage } = o
    if (this.isClosed) {
      o.onError(new StoreUnavailableError('closed', 'open'))
      return
    }
    const payload = Buffer.from(o.payload)
    const pending: Pending = {
      settle: (act) => {
        if (!this.#pending.delete(pending)) return
        timer.cancel()
        act()
      },
      fail: (reason) => pending.settle(() => o.onError(new StoreUnavailableError(reason, 'open'))),
    }
    const timer = this.clock.setTimer(o.timeoutMs, () => pending.fail('no-answer'))
    this.#pending.add(pending)
    if (!this.#isConnected) return
    const fate = this.#o.fateOf?.(subject) ?? PROMPT
    const connection = this.#connection
    const whenAwake = this.#o.whenAwake ?? ((act) => act())
    for (const afterMs of fate.arrivesAfterMs) {
      this.#network.setTimer(afterMs, () => {
        if (!(fate.isServed?.() ?? true)) return
        const lag = fate.lag ?? 0
        const answers = this.#o.model.serve(subject, payload, headers, { lag, leaderLag: fate.leaderLag?.() ?? 0 })
        if (fate.answeredAfterMs === undefined) return
        this.#network.setTimer(fate.answeredAfterMs, () => {
          whenAwake(() => {
            if (connection !== this.#connection || !this.#pending.has(pending)) return
            for (const answer of answers) {
              if (!onMessage(answer)) continue
              pending.settle(() => {})
              return
            }
          })
        })
      })
    }
  }

  #subscribe(pattern: string, onMessage: (data: Uint8Array, subject: string) => void): () => void {
    if (!(this.#o.hasHints ?? true)) return () => {}
    const prefix = pattern.replace(/\*$/, '')
    const whenAwake = this.#o.whenAwake ?? ((act) => act())
    const listener = (_: string, { subject, data }: { subject: string; data: Uint8Array }): void => {
      if (!subject.startsWith(prefix) || !this.#isConnected) return
      this.#network.setTimer(HINT_MS, () => {
        whenAwake(() => {
          if (this.#isConnected) onMessage(data, subject)
        })
      })
    }
    this.#o.model.onStored.push(listener)
    return () => void this.#o.model.onStored.splice(this.#o.model.onStored.indexOf(listener), 1)
  }
}
