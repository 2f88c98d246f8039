import { assert, assertNever, type Clock, RollcallError, type Timer } from '@rollcall/core'
import { BranchInUseError, SipSyntaxError, TransactionsFullError } from '../errors.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { topVia } from '../message-fields.ts'
import { paramValue } from '../params.ts'
import { serializeMessage } from '../serialize-message.ts'
import { type ClientEffect, type ClientInput, type ClientState, decideClient } from './non-invite-client.ts'
import type { SipTimers } from './timers.ts'
import { clientTransactionKey, sentBy } from './transaction-key.ts'

/** What comes of a request: any number of provisional responses, then one of: a final response, a failure. */
export interface ClientTransactionUser {
  response(response: SipResponse): void
  /** Timer F fired: treat it as a 408 (RFC 3261 section 8.1.3.1). */
  timeout(): void
  /** Sending again failed: treat it as a 503 (RFC 3261 section 8.1.3.1). Absent: `timeout` is called. */
  sendError?(error: RollcallError): void
}

export interface ClientTransactionsOptions<F> {
  readonly clock: Clock
  readonly timers: SipTimers
  /** Transactions held at most, those that only absorb retransmitted responses among them. */
  readonly transactionsMax: number
  readonly send: (flow: F, bytes: Buffer) => void
  /** Whether nothing is lost on this way (TCP, TLS). Absent: nothing is reliable. */
  readonly isReliable?: ((flow: F) => boolean) | undefined
}

/** All that only a transaction under way needs: let go with its final response, 4 s before the entry itself. */
interface Pending<F> {
  readonly bytes: Buffer
  readonly flow: F
  readonly user: ClientTransactionUser
}

/** What came with an input, for whoever waits for it. */
interface News {
  readonly response?: SipResponse
  readonly error?: RollcallError
}

interface Entry<F> {
  readonly key: string
  readonly sentBy: string
  readonly isReliable: boolean
  state: ClientState
  pending: Pending<F> | undefined
  readonly timers: Record<'E' | 'F' | 'K', Timer | undefined>
}

/**
 * Non-INVITE client transactions: sends each request until it is answered, and hands each final response on once.
 *
 * @see RFC 3261 sections 17.1.2 and 17.1.3
 */
export class ClientTransactions<F> {
  readonly #options: ClientTransactionsOptions<F>
  readonly #entries = new Map<string, Entry<F>>()

  constructor(options: ClientTransactionsOptions<F>) {
    assert(options.transactionsMax > 0, 'at least one transaction')
    this.#options = options
  }

  /** Transactions held now. */
  get size(): number {
    return this.#entries.size
  }

  /**
   * Sends a request. The branch of its topmost Via must be new. Once this returned, `on` hears of exactly one end.
   *
   * @throws TransactionsFullError, BranchInUseError, and whatever `send` throws at the first sending; nothing is under
   *   way then.
   */
  request(request: SipRequest, flow: F, on: ClientTransactionUser): void {
    if (this.#entries.size >= this.#options.transactionsMax)
      throw new TransactionsFullError(this.#options.transactionsMax)
    const via = topVia(request)
    if (paramValue(via.params, 'branch') === undefined) throw new SipSyntaxError('Via', 'has no branch')
    const key = clientTransactionKey(request, via)
    if (this.#entries.has(key)) throw new BranchInUseError(request.method)
    const entry: Entry<F> = {
      key,
      sentBy: sentBy(via),
      isReliable: this.#options.isReliable?.(flow) ?? false,
      state: { name: 'initial' },
      pending: { bytes: serializeMessage(request), flow, user: on },
      timers: { E: undefined, F: undefined, K: undefined },
    }
    this.#entries.set(key, entry)
    try {
      this.#step(entry, { kind: 'start' })
    } catch (error) {
      this.#forget(entry)
      throw error
    }
  }

  /**
   * Takes a response. False: it belongs to no transaction of ours, or its topmost Via or CSeq cannot be read; drop it
   * (RFC 3261 section 18.1.2).
   */
  receive(response: SipResponse): boolean {
    const entry = this.#find(response)
    if (!entry) return false
    this.#step(entry, { kind: 'response', status: response.status }, { response })
    return true
  }

  /** Forgets all transactions and stops their timers; nobody hears of them any more. */
  close(): void {
    for (const entry of [...this.#entries.values()]) this.#forget(entry)
  }

  #find(response: SipResponse): Entry<F> | undefined {
    try {
      const via = topVia(response)
      const entry = this.#entries.get(clientTransactionKey(response, via))
      return entry?.sentBy === sentBy(via) ? entry : undefined
    } catch (error) {
      if (error instanceof SipSyntaxError) return undefined
      throw error
    }
  }

  #forget(entry: Entry<F>): void {
    for (const timer of Object.values(entry.timers)) timer?.cancel()
    entry.state = { name: 'terminated' }
    entry.pending = undefined
    this.#entries.delete(entry.key)
  }

  #step(entry: Entry<F>, input: ClientInput, news: News = {}): void {
    const { pending } = entry
    const { state, effects } = decideClient(entry.state, input, {
      timers: this.#options.timers,
      isReliable: entry.isReliable,
    })
    entry.state = state
    if (state.name === 'terminated') this.#forget(entry)
    else if (state.name === 'completed') entry.pending = undefined
    for (const effect of effects) this.#perform(entry, effect, pending, news)
  }

  #perform(entry: Entry<F>, effect: ClientEffect, pending: Pending<F> | undefined, news: News): void {
    switch (effect.kind) {
      case 'startTimer': {
        const kind = `timer${effect.timer}` as const
        entry.timers[effect.timer] = this.#options.clock.setTimer(effect.afterMs, () => this.#fire(entry, kind))
        return
      }
      case 'cancelTimer':
        entry.timers[effect.timer]?.cancel()
        // An answered transaction waits T4 for retransmissions: what its timers hold is let go before.
        entry.timers[effect.timer] = undefined
        return
      case 'send':
        if (pending) this.#options.send(pending.flow, pending.bytes)
        return
      case 'deliver':
        if (news.response) pending?.user.response(news.response)
        return
      case 'reportTimeout':
        pending?.user.timeout()
        return
      case 'reportTransportError':
        if (news.error && pending?.user.sendError) pending.user.sendError(news.error)
        else pending?.user.timeout()
        return
      default:
        assertNever(effect)
    }
  }

  /** A timer's step: nobody is there to catch what sending again throws, so the user is told. */
  #fire(entry: Entry<F>, kind: 'timerE' | 'timerF' | 'timerK'): void {
    try {
      this.#step(entry, { kind })
    } catch (error) {
      if (kind !== 'timerE' || !(error instanceof RollcallError)) throw error
      this.#step(entry, { kind: 'transportError' }, { error })
    }
  }
}
