import { type Clock, type Random, RollcallError } from '@rollcall/core'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import {
  createEnvelope,
  failSpan,
  type HopIncoming,
  type HopReply,
  responseStatus,
  runInSpan,
  startSpan,
  traceparentOf,
} from '@rollcall/runtime'
import {
  CORE_TIMERS,
  checkRequest,
  createResponse,
  newTag,
  parseAssertedIdentities,
  parseMessage,
  type RequestFields,
  type ServerTransaction,
  ServerTransactions,
  SipParseError,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
  serializeMessage,
  transactionLifetimeMs,
  type Via,
} from '@rollcall/sip'
import type { SocketAddress } from '@rollcall/sip-net'
import type { Link } from './link.ts'
import type { NodeEvents } from './node-events.ts'
import type { NodePeer } from './peer-table.ts'
import { stripTrustDomain } from './trust-boundary.ts'
import { noteSource, readTopVia } from './via.ts'

/** Takes a request of another vendor's node, as a hop's handler takes one of ours. */
export type NodeRequestHandler = (message: HopIncoming, peer: NodePeer, reply: HopReply) => void

/** Requests under way and answers kept for retransmissions at once; beyond it 503. */
const TRANSACTIONS_MAX = 32_768
/** Unanswered requests of one connection; at the bound nothing more is read from it until half are answered. */
const PENDING_MAX = 1_024
/** Seconds after which to come again: spread, so that not everybody comes at once. */
const RETRY_AFTER_SECONDS_MIN = 2
const RETRY_AFTER_SECONDS_SPREAD = 9

/** The way back of one request. */
export interface ServerFlow {
  readonly link: Link
  readonly via: Via
  /** Where the response goes over UDP. */
  readonly replyTo: SocketAddress
}

export interface EdgeOptions {
  readonly clock: Clock
  readonly random: Random
  readonly events: NodeEvents
  readonly onRequest: NodeRequestHandler
  /** Puts right what the envelope of a verified peer's request is to say. */
  readonly envelopeOf?: ((request: SipRequest, peer: NodePeer) => Partial<Envelope>) | undefined
  /** Sends a response on its way, or on a new one when that is gone. @throws RollcallError */
  readonly send: (flow: ServerFlow, bytes: Buffer) => void
  /** A request has passed the checks: its peer may have said how it wants to be reached. */
  readonly onVia: (link: Link, via: Via) => void
}

/**
 * The receiving side of a node: turns requests of other vendors' nodes into what the hop brings, and answers into
 * responses. Server transactions are here; who the peer is has been settled before.
 *
 * @see RFC 3261 sections 17.2.2 and 18.2; TS 24.229 clause 4.4
 */
export class SipEdge {
  readonly #o: EdgeOptions
  readonly #transactions: ServerTransactions<ServerFlow>
  readonly #pending = new WeakMap<object, number>()
  #isDraining = false

  constructor(options: EdgeOptions) {
    this.#o = options
    const { clock, events } = options
    this.#transactions = new ServerTransactions<ServerFlow>({
      clock,
      timers: CORE_TIMERS,
      transactionsMax: TRANSACTIONS_MAX,
      send: options.send,
      onRequest: (_request, transaction) => this.#begin(transaction),
      onFull: (request, flow) => this.#refuse(request, flow, 503),
      onSendError: (error, flow) => events.answerLost(flow.link.transport, error),
      flowKey: ({ link }) => `${link.transport} ${link.source.address} ${link.peer?.spiffeId ?? ''}`,
      isReliable: ({ link }) => link.transport !== 'UDP',
    })
  }

  get size(): number {
    return this.#transactions.size
  }

  /** Takes no new requests; what is under way is answered. */
  drain(): void {
    this.#isDraining = true
  }

  close(): void {
    this.#transactions.close()
  }

  /** Takes the octets of a request. */
  receive(bytes: Buffer, link: Link): void {
    this.#o.events.received(link.transport, 'request')
    const request = this.#read(bytes, link)
    if (!request || request.method === 'ACK') return
    const fields = this.#check(request, link)
    if (!fields) return
    const flow = { link, via: fields.via, ...noteSource(request, fields.via, fields.branch, link.source) }
    if (!link.peer) this.#refuse(request, flow, 403)
    else if (this.#isDraining) this.#refuse(request, flow, 503)
    else {
      this.#o.onVia(link, fields.via)
      this.#transactions.receive(request, flow)
    }
  }

  /** Takes the head of a request that cannot be framed: it is refused, and its connection ends (RFC 3261 section 18.3). */
  receiveUnframed(head: Buffer, link: Link): void {
    const request = this.#read(head, link)
    // One that could be read lacks nothing but its Content-Length.
    if (request) this.#refuseUnread(request, link, 400)
  }

  /** The request; what is none is answered as far as possible, or dropped. */
  #read(bytes: Buffer, link: Link): SipRequest | undefined {
    try {
      const message = parseMessage(bytes)
      if (message.kind === 'request') return message
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error
      if (error.request) return this.#refuseUnread(error.request, link, error.status)
    }
    this.#o.events.dropped(link.transport, 'unreadable')
    return undefined
  }

  #check(request: SipRequest, link: Link): RequestFields | undefined {
    try {
      return checkRequest(request)
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      return this.#refuseUnread(request, link, 400)
    }
  }

  #refuseUnread(request: SipRequest, link: Link, status: number): undefined {
    if (request.method === 'ACK') return
    try {
      const { replyTo } = readTopVia(request, link.source)
      const via = { transport: link.transport, host: '', port: undefined, params: new Map() }
      this.#refuse(request, { link, via, replyTo }, status)
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      this.#o.events.dropped(link.transport, 'unreadable')
    }
  }

  /** Answers without a transaction. */
  #refuse(request: SipRequest, flow: ServerFlow, status: number): void {
    const { random, events } = this.#o
    const seconds = RETRY_AFTER_SECONDS_MIN + ((random.bytes(1)[0] ?? 0) % RETRY_AFTER_SECONDS_SPREAD)
    const headers = status === 503 ? [['Retry-After', String(seconds)] as const] : []
    const response = createResponse(request, status, { toTag: newTag(random), headers })
    try {
      this.#o.send(flow, serializeMessage(response))
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      events.answerLost(flow.link.transport, error)
    }
  }

  #begin(transaction: ServerTransaction<ServerFlow>): void {
    const { request, flow } = transaction
    const { link } = flow
    const { peer } = link
    if (!peer) return
    const span = startSpan(`SIP ${/^[A-Z]{2,16}$/.test(request.method) ? request.method : 'UNKNOWN'}`, {
      kind: 'server',
      root: true,
      attributes: { 'rollcall.peer.role': peer.role },
    })
    const respond = (response: SipResponse): void => {
      if (!peer.isVerified) stripTrustDomain(response)
      transaction.respond(response)
      if (response.status < 200) return
      late.cancel()
      this.#count(link, -1)
      span.setAttribute('rollcall.sip.status', response.status)
      if (response.status >= 500) failSpan(span, `SIP_${response.status}`)
      span.end()
    }
    // 64*T1: by then the peer has given up, and nothing must wait for ever (RFC 3261 section 17.1.2.2).
    const late = this.#o.clock.setTimer(transactionLifetimeMs(CORE_TIMERS), () => {
      this.#o.events.dropped(link.transport, 'unanswered')
      respond(createResponse(request, 504, { toTag: newTag(this.#o.random) }))
    })
    const reply: HopReply = (octets) => {
      if (transaction.isFinal) return
      const response = this.#response(octets, link)
      if (response) respond(response)
    }
    this.#count(link, 1)
    const envelope = this.#envelope(request, peer)
    if (!envelope) {
      respond(createResponse(request, 400, { toTag: newTag(this.#o.random) }))
      return
    }
    const traced = createEnvelope({ ...envelope, traceparent: traceparentOf(span) })
    const sip = serializeMessage(request)
    runInSpan(span, () => this.#o.onRequest({ sip, envelope: traced, span }, peer, reply))
  }

  /**
   * What the peer vouches for. Its P-Asserted-Identity is believed if its role may assert and it is verified; nobody
   * further on sees one that is not. Undefined when it cannot be read.
   */
  #envelope(request: SipRequest, peer: NodePeer): Partial<Envelope> | undefined {
    const deadlineMs = transactionLifetimeMs(CORE_TIMERS)
    const common = { receivedAtMs: BigInt(this.#o.clock.now()), deadlineMs }
    if (!peer.isVerified) {
      // guard: sip-trust-boundary — what a stranger writes about identities and charging goes no further
      stripTrustDomain(request)
      return { ...common, accessSecurity: AccessSecurity.ACCESS_SECURITY_NONE }
    }
    const accessSecurity = AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN
    // guard: sip-asserting — only who may assert identities is believed in its P-Asserted-Identity
    if (!peer.isAsserting) {
      request.headers.remove('P-Asserted-Identity')
      return { ...common, accessSecurity }
    }
    try {
      const lines = request.headers.getAll('P-Asserted-Identity')
      const assertedIdentities = parseAssertedIdentities(lines, 'P-Asserted-Identity').map(({ uri }) => uri)
      return { ...common, accessSecurity, assertedIdentities, ...this.#o.envelopeOf?.(request, peer) }
    } catch (error) {
      if (error instanceof SipSyntaxError) return undefined
      throw error
    }
  }

  #response(octets: Buffer, link: Link): SipResponse | undefined {
    try {
      const message = responseStatus(octets) > 0 ? parseMessage(octets) : undefined
      if (message?.kind === 'response') return message
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error
      this.#o.events.answerLost(link.transport, error)
    }
    return undefined
  }

  /** Counts what one connection has under way, and lets it wait when that is too much. */
  #count({ connection }: Link, by: 1 | -1): void {
    if (!connection) return
    const pending = (this.#pending.get(connection) ?? 0) + by
    this.#pending.set(connection, pending)
    // guard: sip-pending — one connection must not fill our memory with requests
    if (by > 0 && pending === PENDING_MAX) connection.pause()
    else if (by < 0 && pending === PENDING_MAX / 2) connection.resume()
  }
}
