import { type Clock, type Random, RollcallError } from '@rollcall/core'
import type { HopRequest, HopResult, HopSendOptions } from '@rollcall/runtime'
import {
  BranchInUseError,
  ClientTransactions,
  CORE_TIMERS,
  formatVia,
  newBranch,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serializeMessage,
  TransactionsFullError,
  transactionLifetimeMs,
} from '@rollcall/sip'
import { SendQueueFullError } from '@rollcall/sip-net'
import type { NodeEvents } from './node-events.ts'
import type { SipTarget, VendorNode } from './settings.ts'
import { stripTrustDomain } from './trust-boundary.ts'
import { replaceTopVia } from './via.ts'

/** Requests without a final response, those that only absorb retransmitted ones among them; beyond it `full`. */
const TRANSACTIONS_MAX = 32_768

/** A request was forbidden to leave after it was given to us. */
class WithdrawnError extends RollcallError {
  override readonly name = 'WithdrawnError'
  readonly code = 'SIP_WITHDRAWN'
}

/** One try of a request at one target: a client transaction. */
export interface Attempt {
  readonly target: SipTarget
  readonly node: VendorNode
  readonly mayLeave: () => boolean
  /** It was forbidden while it waited for its connection. */
  withdrawn(): void
  /** Its way is lost: `wasOpen` when it may have got there. */
  lost(wasOpen: boolean): void
  /** Set by its way: called when it is over. */
  release: (() => void) | undefined
}

/** How octets get to a target. */
export interface Ways {
  /** Sends, also what is sent again. @throws RollcallError */
  send(attempt: Attempt, bytes: Buffer): void
  /** Whether nothing is sent to this target now, since it was away a moment ago. */
  isAway(target: SipTarget, node: VendorNode): boolean
  /** Host and port of our Via towards a target, and its parameters besides the branch. */
  viaTo(target: SipTarget): {
    readonly host: string
    readonly port: number | undefined
    readonly params: readonly (readonly [string, string | true])[]
  }
}

export interface SenderOptions {
  readonly clock: Clock
  readonly random: Random
  readonly events: NodeEvents
  readonly ways: Ways
  readonly find: (host: string) => VendorNode | undefined
  /** Whether the way to a node is one of the trust domain. */
  readonly isVerified: (node: VendorNode) => boolean
}

/** A request on its way, over all its tries. */
interface Exchange {
  readonly node: VendorNode
  readonly request: SipRequest
  /** The topmost Via as it came: what our own stands for, and what the response is given back with. */
  readonly via: string
  readonly on: (result: HopResult) => void
  readonly mayLeave: () => boolean
  readonly untried: SipTarget[]
  current: Attempt | undefined
  hasRetried: boolean
  isDone: boolean
  end(result: HopResult): void
}

/**
 * The sending side of a node, with the signature of the hop's: finds a node by its host in the table and runs a client
 * transaction with one of its targets; where that is lost or is not there, with the next one, with another branch.
 * `Choice:` a request takes the transport of its target, however long it is: who lists a node by UDP knows the link, and
 * RFC 3261 section 18.1.1 would have it tried over TCP where nobody may listen.
 *
 * @see RFC 3261 sections 17.1.2 and 18.1; RFC 3263 section 4.3
 */
export class SipSender {
  readonly #o: SenderOptions
  readonly #transactions: ClientTransactions<Attempt>
  readonly #exchanges = new Set<Exchange>()
  readonly #next = new Map<VendorNode, number>()
  #isClosed = false
  #whenIdle: (() => void) | undefined

  constructor(options: SenderOptions) {
    this.#o = options
    this.#transactions = new ClientTransactions<Attempt>({
      clock: options.clock,
      timers: CORE_TIMERS,
      transactionsMax: TRANSACTIONS_MAX,
      send: (attempt, bytes) => {
        // guard: sip-may-leave — a NOTIFY may be forbidden between two retransmissions
        if (!attempt.mayLeave()) throw new WithdrawnError('it may not leave any more')
        options.ways.send(attempt, bytes)
      },
      isReliable: ({ target }) => target.transport !== 'UDP',
    })
  }

  get size(): number {
    return this.#transactions.size
  }

  /** Whether `host`, a name without port, is a node that requests can be sent to. */
  has(host: string): boolean {
    return (this.#o.find(host)?.targets.length ?? 0) > 0
  }

  /** As `HopRouter.send`: `on` hears of provisional responses, if any, and of one end; never before this returns. */
  send(host: string, request: HopRequest, on: (result: HopResult) => void, o: HopSendOptions = {}): void {
    const node = this.#o.find(host)
    const refusal = this.#refusal(node, o)
    if (!node || refusal) {
      const kind = refusal ?? 'no-route'
      this.#o.events.outcome(node?.role ?? 'none', kind)
      process.nextTick(on, { kind })
      return
    }
    const message = parseMessage(request.sip)
    const via = message.kind === 'request' ? message.headers.removeFirst('Via') : undefined
    if (message.kind !== 'request' || via === undefined) {
      process.nextTick(on, { kind: 'unreachable' })
      return
    }
    // guard: sip-trust-boundary-out — what is the trust domain's own is told to nobody outside of it
    if (!this.#o.isVerified(node)) stripTrustDomain(message)
    message.headers.prepend('Via', via)
    const exchange = this.#exchange(node, message, via, on, o)
    // Nobody hears of it before it was taken.
    process.nextTick(() => this.#try(exchange, request.branch))
  }

  /** Takes a response; false when nobody waits for it. */
  receive(response: SipResponse): boolean {
    return this.#transactions.receive(response)
  }

  /** Takes nothing new, gives what is under way `graceMs`, and ends the rest. */
  async close(graceMs: number): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (this.#exchanges.size > 0) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#whenIdle = resolve
      const timer = this.#o.clock.setTimer(graceMs, resolve)
      await promise
      timer.cancel()
    }
    for (const exchange of [...this.#exchanges]) exchange.end({ kind: 'unreachable' })
    this.#transactions.close()
  }

  #refusal(node: VendorNode | undefined, o: HopSendOptions): Exclude<HopResult['kind'], 'response'> | undefined {
    if (!node || node.targets.length === 0) return 'no-route'
    if (this.#isClosed) return 'unreachable'
    if (o.mayLeave?.() === false) return 'withdrawn'
    return this.#exchanges.size >= TRANSACTIONS_MAX ? 'full' : undefined
  }

  #exchange(
    node: VendorNode,
    request: SipRequest,
    via: string,
    on: (result: HopResult) => void,
    { deadlineMs = transactionLifetimeMs(CORE_TIMERS), mayLeave = () => true }: HopSendOptions,
  ): Exchange {
    const exchange: Exchange = {
      node,
      request,
      via,
      on,
      mayLeave,
      untried: this.#order(node),
      current: undefined,
      hasRetried: false,
      isDone: false,
      end: (result) => {
        if (exchange.isDone) return
        exchange.isDone = true
        exchange.current?.release?.()
        exchange.current = undefined
        deadline.cancel()
        this.#exchanges.delete(exchange)
        this.#o.events.outcome(node.role, result.kind)
        on(result)
        if (this.#exchanges.size === 0) this.#whenIdle?.()
      },
    }
    const deadline = this.#o.clock.setTimer(deadlineMs, () => exchange.end({ kind: 'timeout' }))
    this.#exchanges.add(exchange)
    return exchange
  }

  /** Targets in rotation, those that were away a moment ago behind the others. */
  #order(node: VendorNode): SipTarget[] {
    const { targets } = node
    const from = this.#next.get(node) ?? 0
    this.#next.set(node, (from + 1) % targets.length)
    const rotated = [...targets.slice(from), ...targets.slice(0, from)]
    const isAway = (target: SipTarget): boolean => this.#o.ways.isAway(target, node)
    return [...rotated.filter((target) => !isAway(target)), ...rotated.filter(isAway)]
  }

  #try(exchange: Exchange, branch = newBranch(this.#o.random)): void {
    const target = exchange.isDone ? undefined : exchange.untried.shift()
    if (!target) {
      exchange.end({ kind: 'unreachable' })
      return
    }
    const attempt = this.#attempt(exchange, target)
    exchange.current?.release?.()
    exchange.current = attempt
    const { host, port, params } = this.#o.ways.viaTo(target)
    const all = new Map<string, string | true>([['branch', branch], ...params])
    const request = { ...exchange.request, headers: exchange.request.headers.clone() }
    replaceTopVia(request, formatVia({ transport: target.transport, host, port, params: all }))
    try {
      this.#transactions.request(request, attempt, {
        response: (response) => this.#respond(exchange, attempt, response),
        timeout: () => exchange.current === attempt && exchange.end({ kind: 'timeout' }),
        sendError: (error) => this.#failed(exchange, attempt, error),
      })
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#failed(exchange, attempt, error)
    }
  }

  #attempt(exchange: Exchange, target: SipTarget): Attempt {
    const { node, mayLeave } = exchange
    const isCurrent = (): boolean => exchange.current === attempt
    const attempt: Attempt = {
      node,
      target,
      mayLeave: () => isCurrent() && mayLeave(),
      withdrawn: () => {
        if (isCurrent()) exchange.end({ kind: 'withdrawn' })
      },
      lost: (wasOpen) => {
        if (!isCurrent()) return
        // A connection that the peer closed for want of use loses the request that comes just then: once more there.
        if (wasOpen && !exchange.hasRetried) exchange.untried.push(target)
        exchange.hasRetried ||= wasOpen
        this.#try(exchange)
      },
      release: undefined,
    }
    return attempt
  }

  #failed(exchange: Exchange, attempt: Attempt, error: RollcallError): void {
    if (exchange.current !== attempt) return
    if (error instanceof WithdrawnError) exchange.end({ kind: 'withdrawn' })
    else if (exchange.untried.length > 0) this.#try(exchange)
    else {
      const isFull =
        error instanceof TransactionsFullError ||
        error instanceof SendQueueFullError ||
        error instanceof BranchInUseError
      exchange.end({ kind: isFull ? 'full' : 'unreachable' })
    }
  }

  #respond(exchange: Exchange, attempt: Attempt, response: SipResponse): void {
    if (exchange.current !== attempt) return
    if (!this.#o.isVerified(exchange.node)) stripTrustDomain(response)
    replaceTopVia(response, exchange.via)
    const result = {
      kind: 'response',
      sip: serializeMessage(response),
      envelope: undefined,
      status: response.status,
    } as const
    if (response.status < 200) exchange.on(result)
    else exchange.end(result)
  }
}
