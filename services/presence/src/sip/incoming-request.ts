import type { Span } from '@opentelemetry/api'
import { assert, type Random } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { type HopReply, isTracing, type Role, type SpanAttributes } from '@rollcall/runtime'
import {
  checkRequest,
  createResponse,
  newTag,
  type RequestFields,
  type SipRequest,
  serializeMessage,
  sipStatusOf,
} from '@rollcall/sip'
import type { Answer } from '../actor/decision.ts'
import type { PresenceEvents } from '../events.ts'
import type { AnswerListener, UnavailableReason } from '../partition/answers.ts'
import { FRONT_REFUSALS, type FrontRefusal } from '../refusals.ts'

/** A 503 asks to wait between these, each a little differently, so that not everybody comes back at once. */
const RETRY_AFTER_SECONDS_MIN = 2
const RETRY_AFTER_SECONDS_SPREAD = 9

/** How a request came over the hop: what it takes to hand it to another replica. */
export interface HopOrigin {
  readonly sip: Buffer
  /** Of its topmost Via. */
  readonly branch: string
  /** Who sent it to the first replica. */
  readonly from: Role
  /** How long the sender still waits. */
  readonly deadlineMs: () => number
  readonly reply: HopReply
}

/** A request that waits for its answer. */
export class IncomingRequest implements AnswerListener {
  readonly request: SipRequest
  readonly envelope: Envelope
  readonly span: Span
  /** Absent when it did not come over the hop. */
  readonly origin: HopOrigin | undefined
  readonly #random: Random
  readonly #events: PresenceEvents
  readonly #reply: (sip: Buffer, status: number, envelope?: Envelope) => void
  /** Brings the request to whoever owns its partition now. */
  #bringAgain: (() => void) | undefined
  #isBroughtAgain = false
  /** Own host, and port if it has one, as the sender knows it: of our Contact. */
  readonly host: string
  #fields: RequestFields | undefined

  constructor(
    request: SipRequest,
    o: {
      readonly envelope: Envelope
      /** Who made it ends it with the answer. */
      readonly span: Span
      readonly random: Random
      readonly events: PresenceEvents
      readonly host: string
      readonly origin?: HopOrigin
      /** When they have been read already. */
      readonly fields?: RequestFields
      readonly reply: (sip: Buffer, status: number, envelope?: Envelope) => void
    },
  ) {
    this.request = request
    this.envelope = o.envelope
    this.span = o.span
    this.origin = o.origin
    this.#random = o.random
    this.#events = o.events
    this.#reply = o.reply
    this.host = o.host
    this.#fields = o.fields
  }

  /**
   * Checks that it has what every request must have.
   *
   * @throws SipSyntaxError
   */
  check(): void {
    this.#fields ??= checkRequest(this.request)
  }

  /** What every request must have; it is checked before. */
  get fields(): RequestFields {
    assert(this.#fields, 'a request is checked before it is read')
    return this.#fields
  }

  /** Trace context of the span that this request has here. */
  get traceparent(): string {
    return this.envelope.traceparent
  }

  /** Notes on the request's span what only its reader knows. */
  note(attributes: () => SpanAttributes): void {
    if (isTracing()) this.span.setAttributes(attributes())
  }

  answer(answer: Answer): void {
    this.#answer(answer, undefined)
  }

  /**
   * Notes how the request finds the owner of its partition. Should the one that has it now lose the partition, it is
   * brought to the next one, once: that gives the answer that was given, or decides.
   */
  ownedBy(bringAgain: () => void): void {
    this.#bringAgain = bringAgain
  }

  unavailable(reason: UnavailableReason): void {
    if (reason !== 'partition-lost' || !this.#bringAgain || this.#isBroughtAgain) {
      this.refuse(reason)
      return
    }
    this.#isBroughtAgain = true
    this.#bringAgain()
  }

  /** Answers with an error of the front's own; counted. `status` is given where reading failed in a finer way. */
  refuse(reason: FrontRefusal, headers: Answer['headers'] = [], status?: number): void {
    this.#refuse(reason, headers, status ?? sipStatusOf(FRONT_REFUSALS[reason]).status, undefined)
  }

  /** Says that its partition is not served here, with an envelope by which another replica knows what that means. */
  refuseUnplaced(reason: FrontRefusal, envelope: Envelope): void {
    this.#refuse(reason, [], sipStatusOf(FRONT_REFUSALS[reason]).status, envelope)
  }

  #refuse(reason: FrontRefusal, headers: Answer['headers'], status: number, envelope: Envelope | undefined): void {
    this.#events.refused(reason)
    const retryAfter = status === 503 ? [['Retry-After', String(this.#retryAfterSeconds())] as const] : []
    this.#answer({ status, headers: [...headers, ...retryAfter], toTag: newTag(this.#random) }, envelope)
  }

  #answer({ status, headers, toTag }: Answer, envelope: Envelope | undefined): void {
    this.#events.answered(this.request.method, status)
    this.#reply(serializeMessage(createResponse(this.request, status, { toTag, headers })), status, envelope)
  }

  #retryAfterSeconds(): number {
    return RETRY_AFTER_SECONDS_MIN + ((this.#random.bytes(1)[0] ?? 0) % RETRY_AFTER_SECONDS_SPREAD)
  }
}
