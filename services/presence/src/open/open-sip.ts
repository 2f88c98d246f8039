import { isIP } from 'node:net'
import { type Clock, type Random, RollcallError } from '@rollcall/core'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import {
  createEnvelope,
  failSpan,
  isTracing,
  type Logger,
  responseBranch,
  responseStatus,
  runInSpan,
  startSpan,
  traceparentOf,
} from '@rollcall/runtime'
import {
  CORE_TIMERS,
  checkRequest,
  parseMessage,
  type RequestFields,
  SipParseError,
  type SipRequest,
  SipSyntaxError,
  transactionLifetimeMs,
} from '@rollcall/sip'
import { UdpTransport } from '@rollcall/sip-net'
import { noteSource, readTopVia, type TopVia } from '@rollcall/sip-node'
import type { PresenceEvents } from '../events.ts'
import { IncomingRequest } from '../sip/incoming-request.ts'
import type { NotifyResult, NotifyWay, OutgoingNotify } from '../sip/notify-way.ts'
import { NotifyTransactions } from './notify-transactions.ts'
import { Recent } from './recent.ts'
import type { OpenAddress } from './settings.ts'

/** Requests under way at once: one more is refused, before anything is done for it. */
const UNDER_WAY_MAX = 4_096
/** Refusals remembered for who asks again; what was accepted is remembered by its partition. */
const REFUSALS_MAX = 12_288

/** Port of a SIP URI without one (RFC 3261 section 19.1.2). */
const PORT_DEFAULT = 5_060

/** What plain SIP needs. */
export interface OpenSipOptions {
  readonly at: OpenAddress
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly events: PresenceEvents
  /** Timer F. */
  readonly timeoutMs: number
  /** Where requests go: `SipFront`. */
  readonly onRequest: (incoming: IncomingRequest) => void
}

/**
 * Plain SIP over one UDP socket, for load generators and interworking tests: requests of anybody, who is whom From says;
 * and the way of the NOTIFYs to who has no S-CSCF. Nothing here is protected.
 *
 * There are no server transactions: a retransmission of what was accepted gets its answer from the partition, also after
 * a crash; what was refused is remembered here.
 *
 * @see RFC 3261 sections 17.2.2 and 18
 */
export class OpenSip implements NotifyWay {
  readonly transport = 'UDP'
  readonly host: string
  readonly #o: OpenSipOptions
  readonly #notifies: NotifyTransactions
  readonly #refusals: Recent<Buffer>
  /** Keys of requests that wait for their final response. */
  readonly #underWay = new Set<string>()
  readonly #family: number
  #socket: UdpTransport | undefined
  #isDraining = false

  constructor(options: OpenSipOptions) {
    const { at, clock, timeoutMs } = options
    this.#o = options
    this.#family = isIP(at.address)
    this.host = `${this.#family === 6 ? `[${at.address}]` : at.address}:${at.port}`
    this.#notifies = new NotifyTransactions({
      clock,
      timeoutMs,
      send: (octets, to) => this.#socket?.send(octets, to),
    })
    const retainMs = transactionLifetimeMs(CORE_TIMERS)
    this.#refusals = new Recent({ clock, retainMs, entriesMax: REFUSALS_MAX })
  }

  /** Begins to take what comes. @throws BindFailedError */
  async start(): Promise<void> {
    const { at, events, log } = this.#o
    const socket = await UdpTransport.bind({
      ...at,
      onDrop: (reason) => events.dropped(reason),
      onError: (error) => log.debug({ err: error }, 'the socket of unprotected SIP had an error'),
    })
    socket.onMessage = (bytes, source) => this.#take(bytes, source)
    this.#socket = socket
    log.warn({ listen: `udp:${this.host}` }, 'SIP is taken UNPROTECTED here: whoever sends it is who its From says')
  }

  /** Takes no new requests; what is under way is answered. */
  drain(): void {
    this.#isDraining = true
  }

  async close(): Promise<void> {
    this.drain()
    this.#notifies.close()
    await this.#socket?.close()
  }

  /** There are no names here, only addresses. */
  leadsTo(host: string): boolean {
    return addressIn(host, this.#family) !== undefined
  }

  send(notify: OutgoingNotify, on: (result: NotifyResult) => void): void {
    const address = addressIn(notify.host, this.#family)
    if (address === undefined || !this.#socket) {
      process.nextTick(on, { kind: 'no-route' })
      return
    }
    const { octets, branch, mayLeave } = notify
    this.#notifies.begin({ octets, branch, to: { address, port: notify.port ?? PORT_DEFAULT }, mayLeave, on })
  }

  #take(bytes: Buffer, source: OpenAddress): void {
    const status = responseStatus(bytes)
    if (status > 0) {
      const branch = responseBranch(bytes)
      if (branch === undefined || !this.#notifies.respond(branch, status)) this.#o.events.dropped('response')
      return
    }
    const request = this.#read(bytes, source)
    if (request && request.method !== 'ACK') this.#request(request, source)
  }

  /** The request; what is none is answered as far as possible, or dropped. */
  #read(bytes: Buffer, source: OpenAddress): SipRequest | undefined {
    try {
      const message = parseMessage(bytes)
      if (message.kind === 'request') return message
      this.#o.events.dropped('unreadable')
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error
      this.#refuse(error.request, source, error.status)
    }
    return undefined
  }

  /** What every request must have; one that does not have it is answered as far as possible, or dropped. */
  #check(request: SipRequest, source: OpenAddress): RequestFields | undefined {
    try {
      return checkRequest(request)
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      this.#refuse(request, source, undefined)
      return undefined
    }
  }

  #request(request: SipRequest, source: OpenAddress): void {
    const fields = this.#check(request, source)
    if (!fields) return
    const via = noteSource(request, fields.via, fields.branch, source)
    // A retransmission of what is being done: its answer is on the way.
    if (this.#underWay.has(via.key)) return
    const refusal = this.#refusals.find(via.key)
    if (refusal) {
      this.#send(refusal, via)
      return
    }
    const incoming = this.#incoming(request, via, fields)
    if (this.#underWay.size >= UNDER_WAY_MAX || this.#isDraining) {
      incoming.refuse('overload')
      return
    }
    this.#underWay.add(via.key)
    if (isTracing()) runInSpan(incoming.span, () => this.#o.onRequest(incoming))
    else this.#o.onRequest(incoming)
  }

  /** Refuses what cannot be read whole, if it can be answered at all. */
  #refuse(request: SipRequest | undefined, source: OpenAddress, status: number | undefined): void {
    if (request?.method === 'ACK') return
    const via = request && this.#via(request, source)
    if (request && via) this.#incoming(request, via, undefined).refuse('malformed', [], status)
    else this.#o.events.dropped('unreadable')
  }

  #via(request: SipRequest, source: OpenAddress): TopVia | undefined {
    try {
      return readTopVia(request, source)
    } catch (error) {
      if (error instanceof SipSyntaxError) return undefined
      throw error
    }
  }

  #incoming(request: SipRequest, via: TopVia, fields: RequestFields | undefined): IncomingRequest {
    const { random, events, clock } = this.#o
    const span = startSpan(`SIP ${methodName(request)}`, { kind: 'server', root: true })
    const envelope = createEnvelope({
      traceparent: traceparentOf(span),
      accessSecurity: AccessSecurity.ACCESS_SECURITY_NONE,
      assertedIdentities: fields ? [fields.from.uri] : [],
      receivedAtMs: BigInt(clock.now()),
    })
    return new IncomingRequest(request, {
      envelope,
      span,
      random,
      events,
      host: this.host,
      ...(fields ? { fields } : {}),
      reply: (octets, status) => {
        this.#underWay.delete(via.key)
        // One that says "later" may be answered otherwise later; nothing was done for it.
        if (status >= 300 && status !== 503) this.#refusals.remember(via.key, octets)
        this.#send(octets, via)
        if (!isTracing()) return
        span.setAttribute('rollcall.sip.status', status)
        if (status >= 500) failSpan(span, `SIP_${status}`)
        span.end()
      },
    })
  }

  #send(octets: Buffer, { replyTo }: TopVia): void {
    try {
      this.#socket?.send(octets, replyTo)
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#o.log.debug({ err: error }, 'a response could not be sent')
    }
  }
}

function methodName({ method }: SipRequest): string {
  return method === 'PUBLISH' || method === 'SUBSCRIBE' ? method : 'UNKNOWN'
}

/** The address that a host of a URI is, if it is one of this family. */
function addressIn(host: string, family: number): string | undefined {
  const address = host.startsWith('[') ? host.slice(1, -1) : host
  return isIP(address) === family ? address : undefined
}
