import type { Span } from '@opentelemetry/api'
import type { Random } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { isTracing, type SpanAttributes } from '@rollcall/runtime'
import { createResponse, newTag, type SipRequest, serializeMessage, sipStatusOf } from '@rollcall/sip'
import type { Answer } from '../actor/decision.ts'
import type { PresenceEvents } from '../events.ts'
import type { AnswerListener, UnavailableReason } from '../partition/answers.ts'
import { FRONT_REFUSALS, type FrontRefusal } from '../refusals.ts'

/** A 503 asks to wait between these, each a little differently, so that not everybody comes back at once. */
const RETRY_AFTER_SECONDS_MIN = 2
const RETRY_AFTER_SECONDS_SPREAD = 9

/** A request that waits for its answer. */
export class IncomingRequest implements AnswerListener {
  readonly request: SipRequest
  readonly envelope: Envelope
  readonly #span: Span
  readonly #random: Random
  readonly #events: PresenceEvents
  readonly #reply: (sip: Buffer) => void

  constructor(
    request: SipRequest,
    o: {
      readonly envelope: Envelope
      /** The hop's, which it ends with the answer. */
      readonly span: Span
      readonly random: Random
      readonly events: PresenceEvents
      readonly reply: (sip: Buffer) => void
    },
  ) {
    this.request = request
    this.envelope = o.envelope
    this.#span = o.span
    this.#random = o.random
    this.#events = o.events
    this.#reply = o.reply
  }

  /** Trace context of the span that this request has here. */
  get traceparent(): string {
    return this.envelope.traceparent
  }

  /** Notes on the request's span what only its reader knows. */
  note(attributes: () => SpanAttributes): void {
    if (isTracing()) this.#span.setAttributes(attributes())
  }

  answer(answer: Answer): void {
    const { status, headers, toTag } = answer
    this.#events.answered(this.request.method, status)
    this.#reply(serializeMessage(createResponse(this.request, status, { toTag, headers })))
  }

  unavailable(reason: UnavailableReason): void {
    this.refuse(reason)
  }

  /** Answers with an error of the front's own; counted. `status` is given where reading failed in a finer way. */
  refuse(reason: FrontRefusal, headers: Answer['headers'] = [], status?: number): void {
    this.#events.refused(reason)
    const answer = sipStatusOf(FRONT_REFUSALS[reason])
    const code = status ?? answer.status
    const retryAfter = code === 503 ? [['Retry-After', String(this.#retryAfterSeconds())] as const] : []
    this.answer({ status: code, headers: [...headers, ...retryAfter], toTag: newTag(this.#random) })
  }

  #retryAfterSeconds(): number {
    return RETRY_AFTER_SECONDS_MIN + ((this.#random.bytes(1)[0] ?? 0) % RETRY_AFTER_SECONDS_SPREAD)
  }
}
