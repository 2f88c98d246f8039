import { assert, type Impu, RollcallError, type Timer } from '@rollcall/core'
import { type Challenge, MalformedDigestError, parseChallenges } from '@rollcall/digest'
import {
  advanceDialog,
  createDialogRequest,
  createUacDialog,
  createUacDialogFromNotify,
  cseq,
  type Dialog,
  type Event,
  expires,
  fromTag,
  minExpires,
  parseSubscriptionState,
  type SipRequest,
  type SipResponse,
  type SubscriptionState,
  transactionLifetimeMs,
  withTarget,
} from '@rollcall/sip'
import { isSuccess, isTransient, readAnswer, refusalOf, retryAfterMs } from '../answer.ts'
import { BoundedQueue } from '../bounded-queue.ts'
import { DigestClient, type DigestUser } from '../digest-client.ts'
import {
  MalformedAnswerError,
  NoNotificationError,
  SubscriptionEndedError,
  SubscriptionRefusedError,
} from '../errors.ts'
import { reregisterAfterMs } from '../registration/registration.ts'
import { SerialQueue } from '../serial-queue.ts'
import { timerNMs } from '../settings.ts'
import { type Agent, type CallNames, createInitialRequest, newCallNames } from './agent.ts'
import type { Notification } from './notification.ts'
import { WatcherReader } from './watcher-reader.ts'

/** The event packages of this UE, and what it reads in them. */
export const CONTENT_TYPES = {
  presence: 'application/pidf+xml',
  'presence.winfo': 'application/watcherinfo+xml',
  reg: 'application/reginfo+xml',
  'xcap-diff': 'application/xcap-diff+xml',
} as const satisfies Readonly<Record<string, string>>

export type EventPackage = keyof typeof CONTENT_TYPES

export interface SubscribeOptions {
  /** The presentity: a SIP or tel URI. */
  readonly uri: Impu
  readonly eventPackage?: EventPackage
  readonly expiresSeconds?: number
  /** Parameters of Event besides `id`: `diff-processing=aggregate`. */
  readonly eventParameter?: string
  /** What the SUBSCRIBE carries: a filter, or the documents of `xcap-diff`. */
  readonly body?: { readonly contentType: string; readonly octets: Buffer }
  /** The watcher's name is for the network alone (RFC 3323 section 4.1, RFC 3325 section 9.3). */
  readonly isAnonymous?: boolean
  /** Answers the notifier's own challenge, if it is of this realm (RFC 3261 section 22.2); nothing is sent unasked. */
  readonly user?: RealmUser
}

/** Who has a password, and where it counts. */
export type RealmUser = DigestUser & { readonly realm: string }

/** @see RFC 3323 section 4.1.1.3 */
const ANONYMOUS = '"Anonymous" <sip:anonymous@anonymous.invalid>'

/** How a NOTIFY is answered. */
export interface NotifyAnswer {
  readonly status: number
  readonly headers?: readonly (readonly [string, string])[]
}

/** The time between a refresh that failed and the next one, unless the network says another. */
const RETRY_MS = 5_000
/** The notifier's last word comes at once or not at all: nobody waits at a prompt for Timer N. */
const LAST_NOTIFY_MS_MAX = 5_000

/**
 * A subscription and its dialog: refreshed at half time, read as an async iterable that ends with it.
 *
 * A NOTIFY may come before the 200 to the SUBSCRIBE and makes the dialog then; repeated ones are answered and not shown
 * again.
 *
 * @see RFC 6665 sections 4.1.2 and 4.1.3
 */
export class Subscription implements AsyncIterable<Notification> {
  readonly uri: Impu
  readonly eventPackage: EventPackage
  readonly names: CallNames
  readonly #agent: Agent
  readonly #askedSeconds: number
  readonly #options: SubscribeOptions
  readonly #digest: DigestClient
  readonly #onEnd: (subscription: Subscription) => void
  readonly #queue: BoundedQueue<Notification>
  readonly #serial = new SerialQueue()
  readonly #watcherReader: WatcherReader | undefined
  readonly #ended = Promise.withResolvers<string>()
  #subscribe: SipRequest | undefined
  #cseq = 0
  #dialog: Dialog | undefined
  #notifyCseq = -1
  #endReason: string | undefined
  #isLeaving = false
  #askedForAllMs = Number.NEGATIVE_INFINITY
  #expiresAtMs = 0
  #refreshTimer: Timer | undefined
  #expiryTimer: Timer | undefined
  #timerN: Timer | undefined

  /** Of use to `Ue` alone: it must route NOTIFYs here before the SUBSCRIBE leaves. */
  constructor(agent: Agent, o: SubscribeOptions, onEnd: (subscription: Subscription) => void) {
    this.#agent = agent
    this.uri = o.uri
    this.#options = o
    this.#digest = new DigestClient(agent.random)
    this.eventPackage = o.eventPackage ?? 'presence'
    this.names = newCallNames(agent.random)
    if (this.eventPackage === 'presence.winfo') this.#watcherReader = new WatcherReader()
    this.#askedSeconds = o.expiresSeconds ?? agent.settings.subscriptionSeconds
    this.#onEnd = onEnd
    this.#queue = new BoundedQueue({ itemsMax: agent.settings.notificationsMax, clock: agent.clock })
  }

  /** Why it has ended; undefined while it lives. */
  get endReason(): string | undefined {
    return this.#endReason
  }

  get expiresAtMs(): number {
    return this.#expiresAtMs
  }

  /** Notifications that nobody read in time and that gave way to newer ones. */
  get dropped(): number {
    return this.#queue.dropped
  }

  [Symbol.asyncIterator](): AsyncGenerator<Notification, void, undefined> {
    return this.#queue[Symbol.asyncIterator]()
  }

  /**
   * Takes the next notification.
   *
   * @throws NoNotificationError after `timeoutMs`; SubscriptionEndedError when there will be none.
   */
  async next(timeoutMs: number): Promise<Notification> {
    const taken = await this.#queue.take(timeoutMs)
    if (taken.kind === 'item') return taken.item
    if (taken.kind === 'timeout') throw new NoNotificationError(timeoutMs)
    throw new SubscriptionEndedError(this.#endReason ?? 'ended')
  }

  /**
   * Sends the first SUBSCRIBE; with 0 seconds it is a fetch.
   *
   * @throws SubscriptionRefusedError, MalformedAnswerError, and what `Agent.send` throws.
   */
  async start(): Promise<void> {
    try {
      let response = await this.#answered(await this.#sendInitial(this.#askedSeconds), () =>
        this.#sendInitial(this.#askedSeconds),
      )
      const longer = response.status === 423 ? readAnswer(() => minExpires(response)) : undefined
      let seconds = this.#askedSeconds
      if (longer !== undefined && longer > seconds && seconds > 0) {
        seconds = longer
        response = await this.#sendInitial(seconds)
      }
      if (!isSuccess(response)) throw new SubscriptionRefusedError(refusalOf(response))
      this.#accepted(response, seconds)
    } catch (error) {
      this.end('refused')
      throw error
    }
  }

  /**
   * Subscribes again in the dialog; the notifier tells its state anew.
   *
   * @throws SubscriptionEndedError, SubscriptionRefusedError, and what `Agent.send` throws.
   */
  refresh(): Promise<void> {
    return this.#serial.run(async () => {
      const response = await this.#answered(await this.#sendInDialog(this.#askedSeconds), () =>
        this.#sendInDialog(this.#askedSeconds),
      )
      if (isSuccess(response)) {
        this.#accepted(response, this.#askedSeconds)
        return
      }
      // The dialog is gone at the other side; other refusals leave it as it was (RFC 6665 section 4.1.2.2).
      if (endsDialog(response.status)) this.end(`refused-${response.status}`)
      throw new SubscriptionRefusedError(refusalOf(response))
    })
  }

  /** Ends it: the notifier's last NOTIFY can still be read. Does nothing when it has ended. */
  unsubscribe(): Promise<void> {
    return this.#serial.run(async () => {
      if (this.#endReason !== undefined || this.#dialog === undefined) return
      this.#isLeaving = true
      this.#cancelTimers()
      const response = await this.#sendInDialog(0)
      if (isSuccess(response)) await this.#lastNotify()
      this.end('unsubscribed')
    })
  }

  /** Ends it at this side only, as when the UE is switched off. */
  end(reason: string): void {
    if (this.#endReason !== undefined) return
    this.#endReason = reason
    this.#cancelTimers()
    this.#queue.end()
    this.#ended.resolve(reason)
    this.#onEnd(this)
  }

  /**
   * Takes a NOTIFY of this call; its Event has been compared. Gives what to answer.
   *
   * @throws SipSyntaxError when a header field that it needs is broken or absent.
   * @see RFC 6665 section 4.1.3
   */
  receive(notify: SipRequest, setId: string): NotifyAnswer {
    if (this.#endReason !== undefined || this.#subscribe === undefined) return { status: 481 }
    const line = notify.headers.get('Subscription-State')
    if (line === undefined) return { status: 400 }
    const state = parseSubscriptionState(line)
    const { sequence } = cseq(notify)
    const dialog = this.#dialog ?? createUacDialogFromNotify(this.#subscribe, notify)
    // One SUBSCRIBE, one dialog: it does not fork in our network.
    if (dialog.remoteTag !== fromTag(notify)) return { status: 481 }
    if (sequence < this.#notifyCseq) return { status: 500, headers: [['Retry-After', '0']] }
    if (sequence === this.#notifyCseq) return { status: 200 }
    const contentType = notify.headers.get('Content-Type')
    if (notify.body.length > 0 && !isAcceptable(contentType, this.eventPackage)) {
      return { status: 415, headers: [['Accept', CONTENT_TYPES[this.eventPackage]]] }
    }
    this.#dialog = advanceDialog(dialog, notify) ?? dialog
    this.#notifyCseq = sequence
    this.#timerN?.cancel()
    this.#deliver(notify, state, { contentType, sequence, setId })
    return { status: 200 }
  }

  #deliver(
    notify: SipRequest,
    state: SubscriptionState,
    o: { contentType: string | undefined; sequence: number; setId: string },
  ): void {
    const isWhole = notify.body.length === 0 || (this.#watcherReader?.take(notify.body) ?? true)
    const watchers = this.#watcherReader?.watchers
    this.#queue.push({
      state: state.state,
      reason: state.reason,
      retryAfterSeconds: state.retryAfterSeconds,
      body: notify.body,
      ...(watchers && { watchers }),
      contentType: o.contentType,
      cseq: o.sequence,
      receivedAtMs: this.#agent.clock.now(),
      setId: o.setId,
    })
    if (state.state === 'terminated') this.end(state.reason ?? 'terminated')
    else if (state.expiresSeconds !== undefined && !this.#isLeaving) this.#shorten(state.expiresSeconds)
    if (!isWhole) this.#askForAll()
  }

  /**
   * Some of what the notifier told was not heard: it tells all when it is asked (RFC 3858 section 4). `Choice:` not more
   * often than every 5 s, whatever it answers.
   */
  #askForAll(): void {
    if (this.#endReason !== undefined || this.#isLeaving) return
    const nowMs = this.#agent.clock.monotonic()
    if (this.#askedForAllMs > nowMs) return
    const waitMs = Math.max(0, this.#askedForAllMs + RETRY_MS - nowMs)
    this.#askedForAllMs = nowMs + waitMs
    this.#refreshAfter(waitMs)
  }

  /** A notifier may shorten a subscription, and never lengthens it (RFC 6665 section 4.1.3). */
  #shorten(seconds: number): void {
    const isShorter = this.#agent.clock.now() + seconds * 1000 < this.#expiresAtMs - 1000
    if (isShorter) this.#livesFor(seconds)
  }

  #accepted(response: SipResponse, askedSeconds: number): void {
    const subscribe = this.#subscribe
    assert(subscribe !== undefined, 'a response answers a request')
    const dialog = this.#dialog
    this.#dialog = readAnswer(() => (dialog ? withTarget(dialog, response) : createUacDialog(subscribe, response)))
    if (askedSeconds > 0) this.#livesFor(readAnswer(() => expires(response)) ?? askedSeconds)
  }

  #livesFor(seconds: number): void {
    const { clock, settings } = this.#agent
    if (this.#endReason !== undefined) return
    this.#expiresAtMs = clock.now() + seconds * 1000
    this.#expiryTimer?.cancel()
    this.#expiryTimer = clock.setTimer(seconds * 1000, () => this.end('expired'))
    if (settings.refreshes) this.#refreshAfter(this.#refreshMs(seconds))
  }

  /** Half time; the own registration's by the rule for registrations (TS 24.229 clause 5.1.1.3). */
  #refreshMs(seconds: number): number {
    return this.eventPackage === 'reg' ? reregisterAfterMs(seconds) : (seconds * 1000) / 2
  }

  #refreshAfter(delayMs: number): void {
    this.#refreshTimer?.cancel()
    this.#refreshTimer = this.#agent.clock.setTimer(delayMs, () => void this.#refreshByItself())
  }

  async #refreshByItself(): Promise<void> {
    try {
      await this.refresh()
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      if (this.#endReason !== undefined || this.#isLeaving) return
      if (isTransient(error)) this.#refreshAfter(retryAfterMs(error, RETRY_MS))
      this.#agent.refreshFailed('subscription', error)
    }
  }

  async #lastNotify(): Promise<void> {
    const { clock, settings } = this.#agent
    const waited = Promise.withResolvers<void>()
    const timer = clock.setTimer(Math.min(transactionLifetimeMs(settings.timers), LAST_NOTIFY_MS_MAX), () =>
      waited.resolve(),
    )
    await Promise.race([this.#ended.promise, waited.promise])
    timer.cancel()
  }

  /** A challenge of the notifier is answered once; a nonce that is too old once more. */
  async #answered(response: SipResponse, again: () => Promise<SipResponse>): Promise<SipResponse> {
    let last = response
    const { user } = this.#options
    for (let tries = 0; tries < 2 && last.status === 401 && user !== undefined; tries += 1) {
      // guard: ue-realm — a proof for another realm could be used there by who asked for it
      const challenge = readChallenges(last).find(({ realm }) => realm === user.realm)
      if (challenge === undefined || (tries > 0 && !challenge.isStale)) return last
      this.#digest.challenged(challenge)
      last = await again()
    }
    return last
  }

  #sendInitial(seconds: number): Promise<SipResponse> {
    const { body, isAnonymous } = this.#options
    const request = createInitialRequest(this.#agent, {
      method: 'SUBSCRIBE',
      uri: this.uri,
      names: this.names,
      cseq: ++this.#cseq,
      headers: this.#headers(seconds, this.uri),
      body: body?.octets,
      from: isAnonymous ? ANONYMOUS : undefined,
    })
    this.#subscribe = request
    this.#startTimerN()
    return this.#agent.send(request, { isInitial: true })
  }

  #sendInDialog(seconds: number): Promise<SipResponse> {
    if (this.#endReason !== undefined || this.#dialog === undefined) {
      return Promise.reject(new SubscriptionEndedError(this.#endReason ?? 'not started'))
    }
    this.#cseq += 1
    this.#dialog = { ...this.#dialog, localCseq: this.#cseq }
    const request = createDialogRequest(this.#dialog, 'SUBSCRIBE', this.#cseq)
    for (const [name, value] of this.#headers(seconds, request.uri)) request.headers.add(name, value)
    request.body = this.#options.body?.octets ?? request.body
    this.#subscribe = request
    if (seconds > 0) this.#startTimerN()
    return this.#agent.send(request, { isInitial: false })
  }

  #headers(seconds: number, uri: string): [string, string][] {
    const { body, eventParameter, isAnonymous, user } = this.#options
    const proof = user && this.#digest.prove({ method: 'SUBSCRIBE', uri, body: body?.octets }, user)
    return [
      ['Contact', this.#agent.contact],
      ['Event', eventParameter === undefined ? this.eventPackage : `${this.eventPackage};${eventParameter}`],
      ['Accept', CONTENT_TYPES[this.eventPackage]],
      ['Expires', String(seconds)],
      ...(isAnonymous ? ([['Privacy', 'id']] satisfies [string, string][]) : []),
      ...(proof ? ([['Authorization', proof.authorization]] satisfies [string, string][]) : []),
      ...(body ? ([['Content-Type', body.contentType]] satisfies [string, string][]) : []),
    ]
  }

  /** A notifier that accepts and never notifies is none (RFC 6665 section 4.1.2.4). */
  #startTimerN(): void {
    this.#timerN?.cancel()
    this.#timerN = this.#agent.clock.setTimer(timerNMs(this.#agent.settings.timers), () => this.end('no-notify'))
  }

  #cancelTimers(): void {
    for (const timer of [this.#refreshTimer, this.#expiryTimer, this.#timerN]) timer?.cancel()
  }
}

/** Those of WWW-Authenticate that we can answer, the notifier's choice first (RFC 8760 section 2.4). */
function readChallenges(response: SipResponse): Challenge[] {
  try {
    return response.headers.getAll('WWW-Authenticate').flatMap((line) => parseChallenges(line))
  } catch (cause) {
    if (cause instanceof MalformedDigestError) throw new MalformedAnswerError(cause.message, { cause })
    throw cause
  }
}

/** Refusals of a refresh that mean that the dialog or the usage is gone (RFC 5057 section 5.1). */
function endsDialog(status: number): boolean {
  return [404, 405, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604].includes(status)
}

function isAcceptable(contentType: string | undefined, eventPackage: EventPackage): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === CONTENT_TYPES[eventPackage]
}

/** Whether a NOTIFY's Event is that of a SUBSCRIBE without `id`. */
export function isOfPackage(event: Event, eventPackage: EventPackage): boolean {
  return event.package === eventPackage && event.id === undefined
}
