import { type Clock, type Random, RollcallError } from '@rollcall/core'
import { EncapsulationBindError, PAYLOAD_BYTES_MAX, type SaBackEnd } from '@rollcall/esp-net'
import {
  ClientTransactions,
  checkRequest,
  parseMessage,
  type ServerTransaction,
  ServerTransactions,
  SipParseError,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
  type SipTimers,
  serializeMessage,
  topBranch,
} from '@rollcall/sip'
import { BindFailedError, UdpTransport } from '@rollcall/sip-net'
import type { Endpoint } from '../endpoint.ts'
import { MessageTooLargeError, NoAnswerError, NotRegisteredError, UeAddressError, UeClosedError } from '../errors.ts'
import type { UeDropReason } from '../events.ts'
import type { BindBackEnd } from './back-end.ts'
import { SaSets } from './sa-sets.ts'

/** The way a message goes: outside of any SA, or in a set. */
export type Flow = { readonly kind: 'unprotected' } | { readonly kind: 'protected'; readonly setId: string }

export const UNPROTECTED: Flow = { kind: 'unprotected' }

/** A UE has a handful under way; a NOTIFY stays for Timer J. At the bound a new request is dropped, and comes again. */
const TRANSACTIONS_MAX = 10_000

export interface GmOptions {
  readonly localAddress: string
  readonly unprotectedPort: number
  readonly encapsulationPort: number
  /** The P-CSCF's unprotected port. */
  readonly pcscf: Endpoint
  readonly encapsulation: Endpoint
  readonly timers: SipTimers
  readonly clock: Clock
  readonly random: Random
  readonly bindBackEnd: BindBackEnd
  readonly onRequest: (request: SipRequest, transaction: ServerTransaction<Flow>) => void
  readonly onDrop: (reason: UeDropReason) => void
  /** The SAs of a set are to be renewed (RFC 4303 section 3.3.3). */
  readonly onRenewalDue: () => void
}

interface Pending {
  readonly flow: Flow
  readonly reject: (error: RollcallError) => void
}

/**
 * The UE's side of the reference point Gm: SIP transactions over the unprotected socket and over the SA sets, with the
 * rules of what may come in by which way.
 *
 * @see TS 33.203 clause 7.1
 */
export class Gm implements AsyncDisposable {
  readonly sets: SaSets
  readonly backEnd: SaBackEnd
  /** Our unprotected port. */
  readonly unprotected: Endpoint
  readonly #options: GmOptions
  readonly #transport: UdpTransport
  readonly #client: ClientTransactions<Flow>
  readonly #server: ServerTransactions<Flow>
  readonly #pending = new Map<string, Pending>()
  #isClosed = false

  private constructor(options: GmOptions, transport: UdpTransport, backEnd: SaBackEnd) {
    this.#options = options
    this.#transport = transport
    this.backEnd = backEnd
    this.unprotected = transport.local
    this.sets = new SaSets(backEnd, options.clock)
    const shared = { clock: options.clock, timers: options.timers, transactionsMax: TRANSACTIONS_MAX }
    const send = (flow: Flow, bytes: Buffer): void => this.#send(flow, bytes)
    this.#client = new ClientTransactions({ ...shared, send })
    this.#server = new ServerTransactions({
      ...shared,
      send,
      onRequest: options.onRequest,
      onFull: () => options.onDrop('overload'),
    })
    transport.onMessage = (bytes, remote) => {
      // Only the P-CSCF speaks to us here; who can forge its address still finds no transaction to answer.
      if (remote.address === options.pcscf.address) this.#receive(bytes, UNPROTECTED)
      else options.onDrop('stray-response')
    }
  }

  /**
   * Opens both sockets.
   *
   * @throws UeAddressError
   */
  static async open(options: GmOptions): Promise<Gm> {
    const { localAddress: address, unprotectedPort, encapsulationPort } = options
    let transport: UdpTransport
    try {
      transport = await UdpTransport.bind({ address, port: unprotectedPort, onError: () => options.onDrop('not-sent') })
    } catch (cause) {
      if (cause instanceof BindFailedError) throw new UeAddressError(address, unprotectedPort, { cause })
      throw cause
    }
    let gm: Gm | undefined
    try {
      const backEnd = await options.bindBackEnd({
        address,
        port: encapsulationPort,
        remote: options.encapsulation,
        random: options.random,
        onPacket: ({ setId, payload }) => gm?.receiveProtected(setId, payload),
        onDrop: () => options.onDrop('esp'),
        onSocketError: () => options.onDrop('not-sent'),
        onRenewalDue: () => options.onRenewalDue(),
      })
      gm = new Gm(options, transport, backEnd)
      return gm
    } catch (cause) {
      await transport.close()
      if (cause instanceof EncapsulationBindError) throw new UeAddressError(address, encapsulationPort, { cause })
      throw cause
    }
  }

  /**
   * Sends a request and gives its final response.
   *
   * @throws NoAnswerError when Timer F fires first; NotRegisteredError when the set is gone; MessageTooLargeError;
   * UeClosedError.
   */
  request(request: SipRequest, flow: Flow): Promise<SipResponse> {
    if (this.#isClosed) return Promise.reject(new UeClosedError())
    const { length } = serializeMessage(request)
    if (length > PAYLOAD_BYTES_MAX) return Promise.reject(new MessageTooLargeError(length, PAYLOAD_BYTES_MAX))
    if (flow.kind === 'protected' && this.sets.state(flow.setId) === undefined) {
      return Promise.reject(new NotRegisteredError())
    }
    const branch = String(topBranch(request))
    return new Promise((resolve, reject) => {
      this.#pending.set(branch, { flow, reject })
      this.#client.request(request, flow, {
        response: (response) => {
          if (response.status < 200) return
          this.#pending.delete(branch)
          resolve(response)
        },
        timeout: () => {
          this.#pending.delete(branch)
          reject(new NoAnswerError(request.method))
        },
      })
    })
  }

  /** Closes both sockets; requests under way end with UeClosedError. Nothing is said to the network. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    for (const { reject } of this.#pending.values()) reject(new UeClosedError())
    this.#pending.clear()
    this.#client.close()
    this.#server.close()
    await this.sets.clear()
    await Promise.all([this.#transport.close(), this.backEnd[Symbol.asyncDispose]()])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** What the SA back end calls: the message came from the other end of the set, whatever its headers say. */
  receiveProtected(setId: string, payload: Buffer): void {
    this.#receive(payload, { kind: 'protected', setId })
  }

  #receive(bytes: Buffer, flow: Flow): void {
    if (this.#isClosed) return
    try {
      const message = parseMessage(bytes)
      if (message.kind === 'request') this.#receiveRequest(message, flow)
      else this.#receiveResponse(message, flow)
    } catch (error) {
      // Not worth an answer: a P-CSCF that sends this is broken, and unprotected it may be anybody.
      if (error instanceof SipParseError || error instanceof SipSyntaxError) this.#options.onDrop('malformed')
      else throw error
    }
  }

  #receiveRequest(request: SipRequest, flow: Flow): void {
    if (flow.kind === 'unprotected') this.#options.onDrop('unprotected-request')
    else if (this.sets.state(flow.setId) === 'temporary') this.#options.onDrop('temporary-set')
    else {
      checkRequest(request)
      this.#server.receive(request, flow)
    }
  }

  #receiveResponse(response: SipResponse, flow: Flow): void {
    const pending = this.#pending.get(String(topBranch(response)))
    if (pending && !this.#mayAnswer(pending.flow, flow, response.status)) this.#options.onDrop('unprotected-response')
    else if (!this.#client.receive(response)) this.#options.onDrop('stray-response')
  }

  /**
   * A protected request is answered in an SA. Only a refusal of the REGISTER in a temporary set may come unprotected: the
   * P-CSCF has dropped that set already.
   *
   * @see TS 33.203 clause 7.1, TS 24.229 clause 5.2.2.2
   */
  #mayAnswer(asked: Flow, answered: Flow, status: number): boolean {
    if (answered.kind === 'protected' || asked.kind === 'unprotected') return true
    return status >= 300 && this.sets.state(asked.setId) === 'temporary'
  }

  #send(flow: Flow, bytes: Buffer): void {
    if (this.#isClosed) return
    try {
      if (flow.kind === 'unprotected') this.#transport.send(bytes, this.#options.pcscf)
      else this.backEnd.send(flow.setId, bytes)
    } catch (error) {
      // The set ended while a retransmission or an answer was due: to the other side it is lost on the way.
      if (!(error instanceof RollcallError)) throw error
      this.#options.onDrop('not-sent')
    }
  }
}
