import { assertNever, type Timer } from '@rollcall/core'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import { createEnvelope, failSpan, startSpan, traceparentOf } from '@rollcall/runtime'
import {
  createUacDialog,
  expires,
  minExpires,
  newCallId,
  newTag,
  parseRetryAfter,
  type SipRequest,
  type SipResponse,
  SipSyntaxError,
  withTarget,
} from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'
import type { PcscfContext } from '../context.ts'
import { localResponse, type Refusal } from '../edge/local-answers.ts'
import type { CoreOutcome } from '../mw/core-link.ts'
import { newIcid } from '../mw/requests.ts'
import { NewsOfRegistrations } from './news-of-registrations.ts'
import { PacedQueue } from './paced-queue.ts'
import { readNotify } from './read-notify.ts'
import { nextHopOf, pathUri, subscribeRequest } from './subscribe-request.ts'
import type { RegSubscription } from './subscription.ts'

/** SUBSCRIBEs under way at once: after a restart the S-CSCF has other work too. */
const UNDER_WAY_MAX = 16
/** 64*T1 in the core: the last NOTIFY of a contact that is gone may come until then. */
const ENDING_MS = 32_000
/** `Choice:` how much longer than its registration a subscription is asked for (TS 24.229 clause 5.2.3: longer). */
const BEYOND_REGISTRATION_SECONDS = 600
/** TS 24.229 clause 5.2.3: refreshed 600 s before its end, or at half time when it is short. */
const REFRESH_BEFORE_SECONDS = 600
/** `Choice:` a SUBSCRIBE that failed is sent again after 30 s, 60 s … an hour. */
const RETRY_MS = 30_000
const RETRY_MS_MAX = 3_600_000
/** The S-CSCF may be well in a moment. All others refuse, until the UE registers again. */
const TRANSIENT = [408, 500, 502, 503, 504]

/**
 * The P-CSCF's own subscriptions to the registration state of its UEs: one a registered contact, so that what the network
 * ends, ends here at once. They are memory alone, and made anew after a restart, one each interval.
 *
 * @see TS 24.229 clauses 5.2.3 and 5.2.5.2; RFC 3680, RFC 6665 section 4.1
 */
export class RegEventSubscriber {
  readonly #context: PcscfContext
  readonly #news: NewsOfRegistrations
  /** By registration id. */
  readonly #subscriptions = new Map<string, RegSubscription>()
  readonly #byCallId = new Map<string, RegSubscription>()
  readonly #timers = new Map<RegSubscription, Timer>()
  readonly #queue: PacedQueue<RegSubscription>
  #isStopped = false

  constructor(context: PcscfContext) {
    this.#context = context
    this.#news = new NewsOfRegistrations(context)
    this.#queue = new PacedQueue({
      clock: context.clock,
      intervalMs: context.config.regEvent.intervalMs,
      underWayMax: UNDER_WAY_MAX,
      begin: (subscription) => this.#send(subscription),
    })
  }

  /** Subscriptions there are, those included that wait for their last NOTIFY. */
  get size(): number {
    return this.#byCallId.size
  }

  /** A contact was registered, or registered again, or is known from before a restart. */
  registered(contact: Contact): void {
    if (!this.#context.config.regEvent.isOn || this.#isStopped) return
    const known = this.#subscriptions.get(idOf(contact.registrationId))
    if (known && known.state !== 'refused') return
    if (known) this.#forget(known)
    this.#begin(contact.registrationId, 0)
  }

  /** A contact is no more: its subscription ends with the last NOTIFY, or soon. */
  ended({ registrationId }: Pick<Contact, 'registrationId'>): void {
    const subscription = this.#subscriptions.get(idOf(registrationId))
    if (!subscription) return
    this.#subscriptions.delete(idOf(registrationId))
    this.#queue.delete(subscription)
    subscription.state = 'ending'
    this.#after(subscription, ENDING_MS, () => this.#forget(subscription))
  }

  /** Takes a NOTIFY to our own Contact; answers it when what it says is durable. */
  async notify(request: SipRequest, answer: (response: SipResponse) => void): Promise<void> {
    const { events, random } = this.#context
    const reading = readNotify(request, (callId) => this.#byCallId.get(callId))
    if (!reading.ok) {
      events.refused(reading.refusal.reason)
      answer(localResponse(request, reading.refusal, random))
      return
    }
    const { subscription, state, info } = reading
    subscription.dialog = reading.dialog
    let refusal: Refusal | undefined
    if (info && info.version > subscription.version) {
      subscription.version = info.version
      const news = await this.#news.tell(subscription, info)
      if (news.isGone) this.ended(subscription)
      refusal = news.refusal
    }
    if (state.state === 'terminated') this.#onTerminated(subscription, state.reason, state.retryAfterSeconds)
    else if (state.expiresSeconds !== undefined && subscription.state === 'active') {
      this.#refreshAfter(subscription, state.expiresSeconds)
    }
    if (refusal) events.refused(refusal.reason)
    answer(localResponse(request, refusal ?? { status: 200 }, random))
  }

  stop(): void {
    this.#isStopped = true
    this.#queue.stop()
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    this.#subscriptions.clear()
    this.#byCallId.clear()
  }

  #begin(registrationId: Buffer, failures: number, delayMs = 0): void {
    const { random } = this.#context
    const subscription: RegSubscription = {
      registrationId,
      callId: newCallId(random),
      localTag: newTag(random),
      state: 'queued',
      request: undefined,
      dialog: undefined,
      localCseq: 0,
      version: -1,
      failures,
      expiresSecondsMin: 0,
    }
    this.#subscriptions.set(idOf(registrationId), subscription)
    this.#byCallId.set(subscription.callId, subscription)
    if (delayMs === 0) this.#enqueue(subscription)
    else this.#after(subscription, delayMs, () => this.#enqueue(subscription))
  }

  #enqueue(subscription: RegSubscription): void {
    subscription.state = 'queued'
    this.#queue.add(subscription)
  }

  #send(subscription: RegSubscription): void {
    const { clock, config, contacts, core, log, random } = this.#context
    const nowMs = clock.now()
    const contact = contacts.findById(subscription.registrationId, nowMs)
    const impu = contact?.impus[0]
    if (!contact || impu === undefined) {
      this.#forget(subscription)
      return
    }
    const leftSeconds = Math.ceil(Math.max(0, contact.expiresAtMs - nowMs) / 1000)
    const expiresSeconds = Math.max(leftSeconds + BEYOND_REGISTRATION_SECONDS, subscription.expiresSecondsMin)
    subscription.localCseq += 1
    const span = startSpan('SIP SUBSCRIBE', { kind: 'client', root: true })
    const traceparent = traceparentOf(span)
    try {
      const { host, realm } = config
      const parts = { contact, impu, expiresSeconds, icid: newIcid(random), host, realm }
      const request = subscribeRequest(subscription, parts)
      const envelope = createEnvelope({
        traceparent,
        accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN,
        impi: '',
        assertedIdentities: [pathUri(contact)],
        receivedAtMs: BigInt(nowMs),
      })
      if (!subscription.dialog) subscription.request = request
      subscription.state = 'asked'
      this.#queue.began()
      core.send(nextHopOf(request), request, envelope, (outcome) => {
        span.end()
        this.#onOutcome(subscription, { request, expiresSeconds }, outcome)
        this.#queue.ended()
      })
    } catch (error) {
      failSpan(span, 'SIP_SYNTAX')
      span.end()
      if (!(error instanceof SipSyntaxError)) throw error
      // The registrar's own Service-Route, or the dialog's route, cannot be followed.
      log.debug({ err: error }, 'no subscription to a registration state can be made')
      this.#refused(subscription)
    }
  }

  #onOutcome(
    subscription: RegSubscription,
    asked: { readonly request: SipRequest; readonly expiresSeconds: number },
    outcome: CoreOutcome,
  ): void {
    if (subscription.state !== 'asked' || this.#isStopped) return
    switch (outcome.kind) {
      case 'failed':
        this.#tryLater(subscription, 0)
        return
      case 'response':
        this.#onResponse(subscription, asked, outcome.response)
        return
      default:
        assertNever(outcome)
    }
  }

  #onResponse(
    subscription: RegSubscription,
    { request, expiresSeconds }: { readonly request: SipRequest; readonly expiresSeconds: number },
    response: SipResponse,
  ): void {
    const { status } = response
    try {
      if (status < 300) {
        const dialog = subscription.dialog
        subscription.dialog = dialog ? withTarget(dialog, response) : createUacDialog(request, response)
        subscription.request = undefined
        subscription.state = 'active'
        subscription.failures = 0
        this.#context.events.regEvent('subscribed')
        this.#refreshAfter(subscription, expires(response) ?? expiresSeconds)
      } else if (status === 423 && subscription.expiresSecondsMin < (minExpires(response) ?? 0)) {
        subscription.expiresSecondsMin = minExpires(response) ?? 0
        this.#enqueue(subscription)
      } else if (status === 481 && subscription.dialog) this.#anew(subscription)
      else if (TRANSIENT.includes(status)) this.#tryLater(subscription, retryAfterOf(response))
      else this.#refused(subscription)
    } catch (error) {
      if (!(error instanceof SipSyntaxError)) throw error
      this.#refused(subscription)
    }
  }

  #refused(subscription: RegSubscription): void {
    this.#context.events.regEvent('refused')
    subscription.state = 'refused'
  }

  #tryLater(subscription: RegSubscription, seconds: number): void {
    this.#context.events.regEvent('failed')
    subscription.failures += 1
    subscription.state = 'queued'
    const backOffMs = Math.min(RETRY_MS * 2 ** (subscription.failures - 1), RETRY_MS_MAX)
    // Spread over a quarter, so that not all come at once.
    const spread = 1 + (this.#context.random.bytes(1)[0] ?? 0) / 1024
    const waitMs = Math.round(Math.max(seconds * 1000, backOffMs) * spread)
    this.#after(subscription, waitMs, () => this.#enqueue(subscription))
  }

  #refreshAfter(subscription: RegSubscription, seconds: number): void {
    const waitSeconds = seconds > 2 * REFRESH_BEFORE_SECONDS ? seconds - REFRESH_BEFORE_SECONDS : seconds / 2
    this.#after(subscription, Math.max(1, Math.floor(waitSeconds)) * 1000, () => this.#enqueue(subscription))
  }

  /** The notifier has ended the subscription, and says why (RFC 6665 section 4.1.3). */
  #onTerminated(
    subscription: RegSubscription,
    reason: string | undefined,
    retryAfterSeconds: number | undefined,
  ): void {
    if (subscription.state === 'ending') {
      this.#forget(subscription)
      return
    }
    switch (reason) {
      case 'deactivated':
      case 'timeout':
        this.#anew(subscription)
        return
      case 'rejected':
      case 'noresource':
      case 'invariant':
        this.#refused(subscription)
        this.#timers.get(subscription)?.cancel()
        return
      default:
        this.#anew(subscription, Math.max((retryAfterSeconds ?? 0) * 1000, RETRY_MS))
    }
  }

  /** A dialog that is no more is followed by another one. */
  #anew(subscription: RegSubscription, delayMs = 0): void {
    this.#forget(subscription)
    const failures = subscription.failures + 1
    // A notifier that ends each subscription at once is not asked again at once each time.
    const waitMs = failures === 1 ? delayMs : Math.max(delayMs, Math.min(RETRY_MS * failures, RETRY_MS_MAX))
    this.#begin(subscription.registrationId, failures, waitMs)
  }

  #after(subscription: RegSubscription, delayMs: number, then: () => void): void {
    this.#timers.get(subscription)?.cancel()
    const timer = this.#context.clock.setTimer(delayMs, () => {
      this.#timers.delete(subscription)
      then()
    })
    this.#timers.set(subscription, timer)
  }

  #forget(subscription: RegSubscription): void {
    const id = idOf(subscription.registrationId)
    if (this.#subscriptions.get(id) === subscription) this.#subscriptions.delete(id)
    this.#byCallId.delete(subscription.callId)
    this.#queue.delete(subscription)
    this.#timers.get(subscription)?.cancel()
    this.#timers.delete(subscription)
    subscription.state = 'ending'
  }
}

function retryAfterOf(response: SipResponse): number {
  const value = response.headers.get('Retry-After')
  return value === undefined ? 0 : parseRetryAfter(value)
}

function idOf(registrationId: Buffer): string {
  return registrationId.toString('latin1')
}
