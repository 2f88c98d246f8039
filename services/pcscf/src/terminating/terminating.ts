import type { Span } from '@opentelemetry/api'
import { RollcallError } from '@rollcall/core'
import { PacketTooLargeError } from '@rollcall/esp-net'
import type { HopIncoming, HopReply } from '@rollcall/runtime'
import {
  checkRequest,
  event,
  newBranch,
  parseMessage,
  parseSipUri,
  SipParseError,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
  serializeMessage,
  topVia,
} from '@rollcall/sip'
import { type Contact, contactKey } from '../contacts/contact.ts'
import type { PcscfContext } from '../context.ts'
import type { Gm } from '../edge/gm.ts'
import { localResponse, type Refusal } from '../edge/local-answers.ts'
import { branchOf, methodLabel } from '../edge/message-facts.ts'
import { mayForward } from '../mw/requests.ts'
import { type OwnAddress, takeOwnRoutes } from '../originating/own-routes.ts'
import type { RegEventSubscriber } from '../reg-event/reg-event-subscriber.ts'
import { REG_EVENT_USER } from '../reg-event/subscribe-request.ts'
import type { SaSetView } from '../sa/sa-table.ts'
import type { TokenReading } from '../token/flow-token.ts'
import { HopRequests } from './hop-requests.ts'
import { toCoreResponse, toUeRequest } from './to-ue.ts'

/** 64*T1 in the core: how long the hop may bring a request again, and its sender waits (RFC 3261 section 17.1.2.2). */
const REMEMBER_MS = 32_000
/** What the core may ask of a UE here. */
const ALLOWED_METHODS = ['NOTIFY']

type Answer = (response: SipResponse) => void

/**
 * Requests from the core to UEs: the flow token that we gave out says which registration, and the registration which SA
 * set is in force now.
 *
 * @see TS 24.229 clause 5.2.6.4; readings, SIP hop 3 and Presence 1
 */
export class TerminatingRequests {
  readonly #context: PcscfContext
  readonly #gm: Pick<Gm, 'request'>
  readonly #regEvent: Pick<RegEventSubscriber, 'notify'>
  readonly #own: OwnAddress
  readonly #hopRequests: HopRequests

  constructor(context: PcscfContext, gm: Pick<Gm, 'request'>, regEvent: Pick<RegEventSubscriber, 'notify'>) {
    this.#context = context
    this.#gm = gm
    this.#regEvent = regEvent
    const { host, sip, portPs, transactionsMax } = context.config
    this.#own = { host, address: sip.address, portPs }
    this.#hopRequests = new HopRequests({ clock: context.clock, rememberMs: REMEMBER_MS, max: transactionsMax })
  }

  /** Takes what the hop brought; that the sender is an S-CSCF, the hop has seen by its certificate. */
  handle(message: HopIncoming, reply: HopReply): void {
    const answerNow: Answer = (response) => reply(serializeMessage(response))
    const request = this.#read(message.sip, answerNow)
    if (!request) return
    const key = `${branchOf(request)}\n${topVia(request).host}\n${request.method}`
    const entry = this.#hopRequests.take(key, reply)
    if (entry === undefined) return
    if (entry === 'full') this.#refuse(request, { status: 503, reason: 'transactions-full', retry: true }, answerNow)
    else
      this.#route(
        request,
        message.span,
        this.#measured(request, (response) => entry.answer(serializeMessage(response))),
      )
  }

  /** Reads and checks a request; the core's own faults are answered to it. */
  #read(sip: Buffer, answer: Answer): SipRequest | undefined {
    try {
      const request = parseMessage(sip)
      if (request.kind === 'request') {
        checkRequest(request)
        return request
      }
      this.#context.events.dropped('core-response-as-request')
    } catch (error) {
      if (error instanceof SipParseError && error.request?.headers.has('Via')) {
        this.#refuse(error.request, { status: error.status, reason: 'core-malformed' }, answer)
      } else if (error instanceof SipParseError || error instanceof SipSyntaxError) {
        this.#context.events.dropped('core-malformed')
      } else {
        throw error
      }
    }
    return undefined
  }

  #route(request: SipRequest, span: Span, answer: Answer): void {
    let tokens: readonly string[]
    try {
      const refusal = this.#problemOf(request)
      if (refusal) {
        this.#refuse(request, refusal, answer)
        return
      }
      if (this.#isForUs(request)) {
        void this.#regEvent.notify(request, answer)
        return
      }
      tokens = takeOwnRoutes(request.headers, this.#own).tokens
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      this.#refuse(request, { status: 400, reason: 'core-malformed' }, answer)
      return
    }
    const reading = this.#context.tokens.read(tokens[0] ?? '')
    if (reading.ok) this.#findUe(request, reading.registrationId, span, answer)
    else this.#refuseToken(request, reading, answer)
  }

  /** Why a request goes no further, whomever it is for. */
  #problemOf(request: SipRequest): Refusal | undefined {
    if (!ALLOWED_METHODS.includes(request.method)) {
      return { status: 405, reason: 'method-not-allowed', headers: [['Allow', ALLOWED_METHODS.join(', ')]] }
    }
    const way = mayForward(request, this.#own.host)
    return way.ok ? undefined : { status: way.status, reason: 'loop-or-hops' }
  }

  /** To our own Contact: what we subscribed to ourselves. */
  #isForUs(request: SipRequest): boolean {
    const { user, host } = parseSipUri(request.uri)
    return user === REG_EVENT_USER && host.toLowerCase() === this.#own.host
  }

  /**
   * No token of ours, or one of a key that is no longer valid: 403 for what somebody made up, 404 for what once was ours,
   * so that the subscription behind it ends (RFC 6665 section 4.2.2).
   */
  #refuseToken(request: SipRequest, reading: TokenReading & { ok: false }, answer: Answer): void {
    if (reading.reason === 'token-key-unknown') {
      this.#refuse(request, { status: 404, reason: reading.reason }, answer)
      return
    }
    this.#context.events.identityRefused(reading.reason, methodLabel(request.method))
    answer(localResponse(request, { status: 403 }, this.#context.random))
  }

  #findUe(request: SipRequest, registrationId: Buffer, span: Span, answer: Answer): void {
    const { clock, contacts, sets } = this.#context
    const nowMs = clock.now()
    const registered = contacts.findById(registrationId, nowMs)
    // What the network ended, its UE is told in the set that is left, and nothing else (TS 24.229 clause 5.2.5.2).
    // guard: leaving-reg-alone — who is registered no more is told that, and not what he watched
    const leaving = isRegEvent(request) ? contacts.findLeaving(registrationId, nowMs) : undefined
    const contact = registered ?? leaving
    if (!contact) {
      this.#refuse(request, { status: 404, reason: 'registration-gone' }, answer)
      return
    }
    const key = contactKey(contact.impi, contact.instance)
    const set = registered ? sets.inForce(contact.impi, key) : sets.lastClosing(contact.impi, key)
    if (set) {
      span.setAttribute('rollcall.access.sa_set', set.id)
      this.#send(request, contact, set, answer)
    } else this.#refuse(request, { status: 503, reason: 'no-sa-in-force', retry: true }, answer)
  }

  #send(request: SipRequest, contact: Contact, set: SaSetView, answer: Answer): void {
    const { events, log, random } = this.#context
    const { address, portPs } = this.#own
    const { realm } = this.#context.config
    const toUe = { ...request, headers: request.headers.clone() }
    toUeRequest(toUe, { address, portPs, branch: newBranch(random) })
    try {
      this.#gm.request(set, toUe, {
        response(response) {
          toCoreResponse(response, { request: request.headers, contact, realm })
          answer(response)
        },
        timeout: () => this.#refuse(request, { status: 408, reason: 'ue-timeout' }, answer),
      })
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      log.debug({ err: error, saSet: set.id, instance: contact.instance !== '' }, 'a request to a UE could not be sent')
      if (error instanceof PacketTooLargeError) {
        this.#refuse(request, { status: 513, reason: 'request-too-large' }, answer)
      } else {
        events.dropped('send-failed')
        this.#refuse(request, { status: 503, reason: 'send-failed', retry: true }, answer)
      }
    }
  }

  /** Lets go of what is past its time. */
  sweep(): void {
    this.#hopRequests.sweep()
  }

  /** Requests from the core that are remembered. */
  get remembered(): number {
    return this.#hopRequests.size
  }

  #measured(request: SipRequest, answer: Answer): Answer {
    const { clock, metrics } = this.#context
    const startMs = clock.monotonic()
    return (response) => {
      const labels = { direction: 'to-ue', method: methodLabel(request.method), status: String(response.status) }
      const seconds = (clock.monotonic() - startMs) / 1000
      metrics.histogram('rollcall_pcscf_request_duration_seconds', labels).record(seconds)
      answer(response)
    }
  }

  #refuse(request: SipRequest, refusal: Refusal, answer: Answer): void {
    this.#context.events.refused(refusal.reason)
    answer(localResponse(request, refusal, this.#context.random))
  }
}

function isRegEvent(request: SipRequest): boolean {
  return request.headers.has('Event') && event(request).package === 'reg'
}
