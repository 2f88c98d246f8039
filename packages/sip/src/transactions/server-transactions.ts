import { assert, assertNever, type Clock, RollcallError, type Timer } from '@rollcall/core'
import type { SipRequest, SipResponse } from '../message.ts'
import { serializeMessage } from '../serialize-message.ts'
import { decideServer, type ServerEffect, type ServerInput, type ServerState } from './non-invite-server.ts'
import type { SipTimers } from './timers.ts'
import { serverTransactionKey } from './transaction-key.ts'

/** One request that awaits its final response. */
export interface ServerTransaction<F> {
  readonly request: SipRequest
  readonly flow: F
  /**
   * Sends a response, and again for each retransmission of the request. `flow` overrides where it goes. A response
   * behind the final one, or behind the transaction's end, is dropped.
   */
  respond(response: SipResponse, flow?: F): void
  /** Whether a final response was given, or can be given no more. */
  readonly isFinal: boolean
}

export interface ServerTransactionsOptions<F> {
  readonly clock: Clock
  readonly timers: SipTimers
  /** Transactions held at most, those that only wait for retransmissions among them. */
  readonly transactionsMax: number
  /** A RollcallError thrown here ends the transaction, as a transport error does. */
  readonly send: (flow: F, bytes: Buffer) => void
  readonly onRequest: (request: SipRequest, transaction: ServerTransaction<F>) => void
  /** The table is full: answer statelessly (503 with Retry-After), or not at all. */
  readonly onFull: (request: SipRequest, flow: F) => void
  /** Told when `send` failed. */
  readonly onSendError?: ((error: RollcallError, flow: F) => void) | undefined
  /**
   * What tells peers apart: with it, a request that copies the branch and sent-by of another's is a request of its own,
   * and cannot keep the other's from being heard.
   */
  readonly flowKey?: ((flow: F) => string) | undefined
  /** Whether nothing is lost on this way (TCP, TLS). Absent: nothing is reliable. */
  readonly isReliable?: ((flow: F) => boolean) | undefined
}

/**
 * What the table holds. The request is not here, but with whoever answers it, so that 64*T1 of waiting for
 * retransmissions costs the octets of the response only.
 */
interface Entry<F> {
  readonly key: string
  readonly isReliable: boolean
  state: ServerState<F>
  timerJ: Timer | undefined
}

/**
 * Non-INVITE server transactions: hands each request on once, and answers its retransmissions with what was answered
 * last.
 *
 * @see RFC 3261 sections 17.2.2 and 17.2.3
 */
export class ServerTransactions<F> {
  readonly #options: ServerTransactionsOptions<F>
  readonly #entries = new Map<string, Entry<F>>()
  #isClosed = false

  constructor(options: ServerTransactionsOptions<F>) {
    assert(options.transactionsMax > 0, 'at least one transaction')
    this.#options = options
  }

  /** Transactions held now. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Takes a request that passed `checkRequest`. An ACK is dropped: it belongs to an INVITE, of which there is none here.
   *
   * @throws SipSyntaxError when the topmost Via cannot be read.
   */
  receive(request: SipRequest, flow: F): void {
    if (this.#isClosed || request.method === 'ACK') return
    const { flowKey, isReliable, transactionsMax, onFull, onRequest } = this.#options
    const requestKey = serverTransactionKey(request)
    const key = flowKey ? `${flowKey(flow)}\n${requestKey}` : requestKey
    const known = this.#entries.get(key)
    if (known) {
      this.#step(known, { kind: 'request' })
      return
    }
    if (this.#entries.size >= transactionsMax) {
      onFull(request, flow)
      return
    }
    const entry: Entry<F> = {
      key,
      isReliable: isReliable?.(flow) ?? false,
      state: { name: 'trying' },
      timerJ: undefined,
    }
    this.#entries.set(key, entry)
    onRequest(request, this.#handle(entry, request, flow))
  }

  /** Forgets all transactions and stops their timers; nothing is sent any more. */
  close(): void {
    this.#isClosed = true
    for (const entry of this.#entries.values()) {
      entry.timerJ?.cancel()
      entry.state = { name: 'terminated' }
    }
    this.#entries.clear()
  }

  #handle(entry: Entry<F>, request: SipRequest, flow: F): ServerTransaction<F> {
    const step = (input: ServerInput<F>, bytes: Buffer): void => this.#step(entry, input, bytes)
    return {
      request,
      flow,
      get isFinal() {
        return entry.state.name === 'completed' || entry.state.name === 'terminated'
      },
      respond(response, responseFlow = flow) {
        if (this.isFinal) return
        const bytes = serializeMessage(response)
        const outgoing = { text: bytes.toString('latin1'), flow: responseFlow }
        step({ kind: 'respond', status: response.status, outgoing }, bytes)
      },
    }
  }

  /** `bytes`: what is sent now, where it need not be made of what is kept. */
  #step(entry: Entry<F>, input: ServerInput<F>, bytes?: Buffer): void {
    const { state, effects } = decideServer(entry.state, input, {
      timers: this.#options.timers,
      isReliable: entry.isReliable,
    })
    entry.state = state
    if (state.name === 'terminated') {
      entry.timerJ?.cancel()
      this.#entries.delete(entry.key)
    }
    for (const effect of effects) this.#perform(entry, effect, bytes)
  }

  #perform(entry: Entry<F>, effect: ServerEffect<F>, bytes: Buffer | undefined): void {
    switch (effect.kind) {
      case 'startTimerJ':
        entry.timerJ = this.#options.clock.setTimer(effect.afterMs, () => this.#step(entry, { kind: 'timerJ' }))
        return
      case 'send': {
        const { flow, text } = effect.outgoing
        try {
          this.#options.send(flow, bytes ?? Buffer.from(text, 'latin1'))
        } catch (error) {
          if (!(error instanceof RollcallError)) throw error
          this.#step(entry, { kind: 'transportError' })
          this.#options.onSendError?.(error, flow)
        }
        return
      }
      default:
        assertNever(effect)
    }
  }
}
