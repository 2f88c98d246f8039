import { assert, assertNever, RollcallError, sourceNetwork } from '@rollcall/core'
import type { DropReason, ProtectedPacket } from '@rollcall/esp-net'
import { type Logger, runInSpan } from '@rollcall/runtime'
import {
  checkRequest,
  parseMessage,
  type ServerTransaction,
  ServerTransactions,
  type SipMessage,
  SipParseError,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
  serializeMessage,
} from '@rollcall/sip'
import type { PcscfConfig } from '../config.ts'
import type { SaSetView, SaTable } from '../sa/sa-table.ts'
import { type Flow, flowKey } from './flow.ts'
import type { GmReceiver, GmTransport } from './gm-transport.ts'
import type { Incoming } from './incoming.ts'
import { type IncomingOptions, IncomingRequests } from './incoming-requests.ts'
import { localResponse, type Refusal } from './local-answers.ts'
import { methodLabel, requestKeyOf } from './message-facts.ts'
import { RequestGate } from './request-gate.ts'
import { dispatch, dispatchUnprotected } from './stateless.ts'
import { type UeAnswer, UeRequests } from './ue-requests.ts'

/** Where requests of UEs lead. */
interface GmHandlers {
  register(incoming: Incoming): void
  originate(incoming: Incoming): void
}

export interface GmOptions extends Omit<IncomingOptions, 'allowUeTraceContext'> {
  readonly config: PcscfConfig
  readonly log: Logger
}

/** What comes after Gm itself, since each needs the other. */
export interface GmParts {
  readonly transport: Pick<GmTransport, 'send'>
  readonly sets: SaTable
  readonly handlers: GmHandlers
}

/**
 * The SIP edge towards UEs. It knows each message by the way it came, keeps the transactions, and hands on the requests
 * that are well-formed, allowed where they came, and new.
 *
 * @see TS 33.203 clause 7.1, TS 24.229 clause 5.2
 */
export class Gm implements GmReceiver {
  readonly #o: GmOptions
  readonly #incoming: IncomingRequests
  readonly #unprotectedGate: RequestGate
  readonly #protectedGate: RequestGate
  /** Two tables: a flood without protection must not fill that of the registered. */
  readonly #unprotected: ServerTransactions<Flow>
  readonly #protected: ServerTransactions<Flow>
  readonly #ueRequests: UeRequests
  #parts: GmParts | undefined
  #isDraining = false

  constructor(options: GmOptions) {
    this.#o = options
    const { config, clock } = options
    const { timers, transactionsMax } = config
    this.#incoming = new IncomingRequests({ ...options, allowUeTraceContext: config.allowUeTraceContext })
    const gate = { clock, rememberMs: 64 * timers.t1Ms, max: transactionsMax }
    this.#unprotectedGate = new RequestGate({ ...gate, bucket: config.sourceBucket })
    this.#protectedGate = new RequestGate({ ...gate, bucket: config.contactBucket })
    this.#unprotected = this.#serverTransactions()
    this.#protected = this.#serverTransactions()
    const send = (flow: Flow, bytes: Buffer): void => this.#begun.transport.send(flow, bytes)
    this.#ueRequests = new UeRequests({ clock, timers, transactionsMax, send })
  }

  /** From now on what comes is handled. */
  begin(parts: GmParts): void {
    this.#parts = parts
  }

  /** Transactions with UEs, by who began them. */
  get transactions(): { readonly server: number; readonly client: number } {
    return { server: this.#unprotected.size + this.#protected.size, client: this.#ueRequests.size }
  }

  /** Requests, of either side, that wait for a final response. */
  get unanswered(): number {
    return this.#incoming.unanswered + this.#ueRequests.awaited
  }

  /** What is remembered of senders and of requests that were let through. */
  get remembered(): number {
    const gates = [this.#unprotectedGate, this.#protectedGate]
    return gates.reduce((sum, { size, senders }) => sum + size + senders, 0)
  }

  /** Lets go of what is past its time. */
  sweep(): void {
    this.#unprotectedGate.sweep()
    this.#protectedGate.sweep()
  }

  /** From now on new requests of UEs are answered 503; what is under way goes on. */
  drain(): void {
    this.#isDraining = true
  }

  stop(): void {
    this.#unprotected.close()
    this.#protected.close()
    this.#ueRequests.close()
  }

  /**
   * Sends a request to the UE in a set.
   *
   * @throws PacketTooLargeError and other errors of @rollcall/esp-net, TransactionsFullError; nothing is under way then.
   */
  request(set: SaSetView, request: SipRequest, on: UeAnswer): void {
    this.#ueRequests.send(set, request, on)
  }

  unprotected(bytes: Buffer, source: { address: string; port: number }): void {
    const flow: Flow = { kind: 'unprotected', address: source.address, port: source.port }
    const message = this.#parse(bytes, flow)
    if (!message) return
    if (message.kind === 'response') {
      // We send no request without protection, so there is none to answer.
      this.#o.events.dropped('unprotected-response')
      return
    }
    const way = dispatchUnprotected(message.method)
    if (way.kind === 'absorb') return
    // guard: source-rate — who floods without protection is slowed down before anything is made for him
    if (!this.#unprotectedGate.admit(sourceNetwork(source.address), wayKey(flow, requestKeyOf(message)))) {
      this.#refuse(message, flow, { status: 503, reason: 'source-rate', retry: true })
    } else if (way.kind === 'answer') {
      this.#o.events.identityRefused(way.refusal.reason, methodLabel(message.method))
      this.#send(flow, localResponse(message, way.refusal, this.#o.random))
    } else if (this.#isWellFormed(message, flow)) {
      this.#unprotected.receive(message, flow)
    }
  }

  protected(packet: ProtectedPacket): void {
    const { events } = this.#o
    const set = this.#begun.sets.find(packet.setId)
    if (!set) {
      events.dropped('no-sa')
      return
    }
    // Over UDP a UE sends requests and responses to port_ps alone (TS 33.203 clause 7.1).
    // guard: port-ps-destination — over UDP a UE speaks to port_ps alone
    if (packet.destinationPort !== set.local.portS) {
      events.forgeryDropped('unexpected-sa', { impi: set.impi })
      return
    }
    const message = this.#parse(packet.payload, { kind: 'protected', setId: set.id })
    if (!message) return
    // guard: temporary-set-register — a set that proved nothing yet carries the answer to its challenge alone
    if (set.state === 'temporary' && (message.kind === 'response' || message.method !== 'REGISTER')) {
      events.forgeryDropped('not-register-on-temporary', { impi: set.impi })
    } else if (message.kind === 'response') {
      this.#takeResponse(message, set)
    } else {
      this.#takeRequest(message, set)
    }
  }

  dropped(reason: DropReason | 'unprotected-on-protected-port' | 'port-zero'): void {
    this.#o.events.forgeryDropped(reason)
  }

  socketError(error: Error): void {
    this.#o.events.dropped('socket-error')
    this.#o.log.debug({ err: error }, 'a socket towards UEs had an error')
  }

  #takeRequest(request: SipRequest, set: SaSetView): void {
    const flow: Flow = { kind: 'protected', setId: set.id }
    const way = dispatch(request.method)
    if (way.kind === 'absorb') return
    if (!this.#protectedGate.admit(set.impi, wayKey(flow, requestKeyOf(request)))) {
      this.#refuse(request, flow, { status: 503, reason: 'contact-rate', retry: true })
    } else if (this.#isWellFormed(request, flow)) {
      if (way.kind === 'handle') {
        this.#protected.receive(request, flow)
        return
      }
      this.#begun.sets.tell(set.impi, { kind: 'used', id: set.id })
      this.#refuse(request, flow, way.refusal)
    }
  }

  #takeResponse(response: SipResponse, set: SaSetView): void {
    const taking = this.#ueRequests.receive(response, set)
    switch (taking) {
      case 'taken':
        this.#begun.sets.tell(set.impi, { kind: 'used', id: set.id })
        return
      case 'stray':
        this.#o.events.dropped('stray-response')
        return
      case 'of-other-ue':
        this.#o.events.forgeryDropped('response-of-other-ue', { impi: set.impi })
        return
      default:
        assertNever(taking)
    }
  }

  /** A new request, for which there is a transaction now. A retransmission, of SM7 say, is no use of its set. */
  #handle(transaction: ServerTransaction<Flow>): void {
    const { flow, request } = transaction
    const { sets, handlers } = this.#begun
    if (this.#isDraining) {
      this.#o.events.refused('draining')
      transaction.respond(localResponse(request, { status: 503, retry: true }, this.#o.random))
      return
    }
    const set = flow.kind === 'protected' ? sets.find(flow.setId) : undefined
    // The view is of before the use: a REGISTER that is the first on a new set came on that set all the same.
    if (set) sets.tell(set.impi, { kind: 'used', id: set.id })
    const incoming = this.#incoming.make(transaction, set)
    runInSpan(incoming.span, () => {
      if (request.method === 'REGISTER') handlers.register(incoming)
      else handlers.originate(incoming)
    })
  }

  /** Reads a message; what cannot be read is answered, if enough of it can. */
  #parse(bytes: Buffer, flow: Flow): SipMessage | undefined {
    try {
      return parseMessage(bytes)
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error
      const { request, status } = error
      const isAnswerable = request !== undefined && request.method !== 'ACK' && request.headers.has('Via')
      if (isAnswerable && this.#mayAnswer(flow)) this.#refuse(request, flow, { status, reason: 'malformed' })
      else this.#o.events.dropped('malformed')
      return undefined
    }
  }

  #mayAnswer(flow: Flow): boolean {
    if (flow.kind === 'unprotected') return this.#unprotectedGate.admit(sourceNetwork(flow.address), undefined)
    const set = this.#begun.sets.find(flow.setId)
    return set !== undefined && set.state !== 'temporary' && this.#protectedGate.admit(set.impi, undefined)
  }

  #isWellFormed(request: SipRequest, flow: Flow): boolean {
    try {
      checkRequest(request)
      return true
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      if (request.headers.has('Via')) this.#refuse(request, flow, { status: 400, reason: 'malformed' })
      else this.#o.events.dropped('malformed')
      return false
    }
  }

  /** Answers at once and keeps nothing. */
  #refuse(request: SipRequest, flow: Flow, refusal: Refusal): void {
    if (refusal.status >= 300) this.#o.events.refused(refusal.reason)
    this.#send(flow, localResponse(request, refusal, this.#o.random))
  }

  #send(flow: Flow, response: SipResponse): void {
    try {
      this.#begun.transport.send(flow, serializeMessage(response))
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      this.#sendFailed(error)
    }
  }

  #sendFailed(error: RollcallError): void {
    this.#o.events.dropped('send-failed')
    this.#o.log.debug({ err: error }, 'a response could not be sent')
  }

  #serverTransactions(): ServerTransactions<Flow> {
    const { clock, config } = this.#o
    return new ServerTransactions<Flow>({
      clock,
      timers: config.timers,
      transactionsMax: config.transactionsMax,
      flowKey,
      send: (flow, bytes) => this.#begun.transport.send(flow, bytes),
      onRequest: (_request, transaction) => this.#handle(transaction),
      onFull: (request, flow) => this.#refuse(request, flow, { status: 503, reason: 'transactions-full', retry: true }),
      onSendError: (error) => this.#sendFailed(error),
    })
  }

  get #begun(): GmParts {
    assert(this.#parts, 'Gm has begun')
    return this.#parts
  }
}

/** The key of a request on the way that it came: the same from elsewhere is another one. */
function wayKey(flow: Flow, requestKey: string | undefined): string | undefined {
  // guard: gate-own-way — a branch that was let through lets nothing through from elsewhere
  return requestKey === undefined ? undefined : `${flowKey(flow)}\n${requestKey}`
}
