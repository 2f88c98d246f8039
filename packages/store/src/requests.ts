import { type Msg, type MsgHdrs, type NatsConnection, nuid } from '@nats-io/transport-node'
import type { Clock, Timer } from '@rollcall/core'
import { StoreDeniedError, StoreUnavailableError } from './errors.ts'
import type { RequestPort } from './store-link.ts'

/** How often overdue requests are looked for: deadlines are kept to within this. */
const SWEEP_MS = 50

interface Pending {
  readonly subject: string
  readonly dueMs: number
  /** Returns true when this was the last message awaited. */
  readonly onMessage: (message: Msg) => boolean
  readonly onError: (error: StoreUnavailableError | StoreDeniedError) => void
}

/**
 * Requests over one inbox subscription, told apart by a counter in the reply subject. The client's own publisher costs
 * five times as much an operation.
 */
export class Requests implements RequestPort {
  readonly #connection: NatsConnection
  readonly #clock: Clock
  readonly #inbox: string
  readonly #pending = new Map<string, Pending>()
  #counter = 0
  #timer: Timer | undefined
  #isDown = false

  constructor(connection: NatsConnection, inboxPrefix: string, clock: Clock) {
    this.#connection = connection
    this.#clock = clock
    this.#inbox = `${inboxPrefix}.${nuid.next()}.`
    connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#receive(message)
      },
    })
  }

  request(subject: string, payload: Uint8Array, o: { headers?: MsgHdrs; timeoutMs: number }): Promise<Msg> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: Msg): boolean => {
        if (isNoResponders(message)) reject(new StoreUnavailableError('no-responders', 'open'))
        else resolve(message)
        return true
      }
      this.#send(subject, payload, o.headers, { subject, dueMs: this.#due(o.timeoutMs), onMessage, onError: reject })
    })
  }

  requestMany(
    subject: string,
    payload: Uint8Array,
    o: { timeoutMs: number; onMessage: (message: Msg) => boolean },
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: Msg): boolean => {
        try {
          if (isNoResponders(message)) throw new StoreUnavailableError('no-responders', 'open')
          if (!o.onMessage(message)) return false
          resolve()
        } catch (error) {
          reject(error)
        }
        return true
      }
      this.#send(subject, payload, undefined, { subject, dueMs: this.#due(o.timeoutMs), onMessage, onError: reject })
    })
  }

  /**
   * Ends every request under way: their outcome is open. Until `resume` none is sent: the client would keep it for the next
   * connection, and its answer would be awaited in vain.
   */
  failAll(reason: 'disconnected' | 'closed'): void {
    this.#isDown = true
    this.#fail(
      () => true,
      () => new StoreUnavailableError(reason, 'open'),
    )
  }

  /** The connection is there again. */
  resume(): void {
    this.#isDown = false
  }

  /** Ends the requests to a subject that this client may not send to. */
  failDenied(subject: string): void {
    this.#fail(
      (pending) => pending.subject === subject,
      () => new StoreDeniedError(subject),
    )
  }

  #due(timeoutMs: number): number {
    return this.#clock.monotonic() + timeoutMs
  }

  #send(subject: string, payload: Uint8Array, headers: MsgHdrs | undefined, pending: Pending): void {
    if (this.#isDown) {
      pending.onError(new StoreUnavailableError('disconnected', 'refused'))
      return
    }
    const token = (this.#counter++).toString(36)
    this.#pending.set(token, pending)
    try {
      this.#connection.publish(subject, payload, { reply: this.#inbox + token, ...(headers && { headers }) })
    } catch (cause) {
      this.#pending.delete(token)
      pending.onError(new StoreUnavailableError('closed', 'open', cause))
      return
    }
    this.#timer ??= this.#clock.setTimer(SWEEP_MS, () => this.#sweep())
  }

  #receive(message: Msg): void {
    const token = message.subject.slice(this.#inbox.length)
    const pending = this.#pending.get(token)
    if (pending?.onMessage(message)) this.#pending.delete(token)
  }

  #sweep(): void {
    this.#timer = undefined
    const nowMs = this.#clock.monotonic()
    this.#fail(
      (pending) => pending.dueMs <= nowMs,
      () => new StoreUnavailableError('no-answer', 'open'),
    )
    if (this.#pending.size > 0) this.#timer ??= this.#clock.setTimer(SWEEP_MS, () => this.#sweep())
  }

  #fail(isMeant: (pending: Pending) => boolean, error: () => StoreUnavailableError | StoreDeniedError): void {
    for (const [token, pending] of [...this.#pending]) {
      if (!isMeant(pending)) continue
      this.#pending.delete(token)
      pending.onError(error())
    }
  }
}

/** Nobody listens there: JetStream is not up, or not for this account. */
function isNoResponders(message: Msg): boolean {
  return message.data.length === 0 && message.headers?.code === 503
}
