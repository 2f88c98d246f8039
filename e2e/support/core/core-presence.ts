import { writePidf } from '@rollcall/pidf'
import {
  createDialogRequest,
  createUacDialog,
  cseq,
  type Dialog,
  paramValue,
  parseSubscriptionState,
  parseVia,
  type SipRequest,
} from '@rollcall/sip'
import type { Outcome } from '../history/history.ts'
import type { CoreAnswer } from './core-client.ts'
import { type CoreUe, ueRequest } from './core-ue.ts'

/** Longer than any test, clocks that jump by an hour included. */
const EXPIRES_SECONDS = 7_200
let branches = 0

/** How an answer counts in a history. */
export function outcomeOf(answer: CoreAnswer): Outcome {
  if (!answer) return 'unknown'
  return answer.status < 300 ? 'ok' : 'refused'
}

/** How a subscription is asked for and kept. */
export interface SubscriptionOptions {
  /** 0 makes it a fetch. */
  readonly expires?: number
  readonly giveUpMs?: number
  /** Asked at each NOTIFY: whether it is answered 503, so that it comes again later. */
  readonly isBusy?: () => boolean
}

/** One publication of a presentity: states with growing numbers. */
export class CorePublication {
  readonly ue: CoreUe
  /** The state that was tried last. */
  state = -1
  entityTag: string | undefined
  /** Whether it is sure what the server has: nothing failed since the last 2xx. */
  #isSure = true
  /** Publications that may have been made: beside the first, one each time that its tag was not known any more. */
  anew = 0
  /** Times that the server did not know what it had answered 2xx to. */
  readonly losses: string[] = []

  constructor(ue: CoreUe) {
    this.ue = ue
  }

  /** Publishes the next state and gives the status; 0 when nobody answered. */
  async publish(o: { expires?: number; giveUpMs?: number } = {}): Promise<number> {
    const { client, user } = this.ue
    const { entityTag } = this
    this.state += 1
    if (entityTag === undefined) this.anew += 1
    const body = writePidf({ entity: user.impu, tupleId: 'a', basic: 'open', note: `state ${this.state}` })
    const request = this.#request(body, o.expires ?? EXPIRES_SECONDS)
    const end = client.history.begin({ kind: 'publish', presentity: user.impu, state: this.state })
    const answer = await client.send(request, this.ue.envelope, o)
    end(outcomeOf(answer))
    const status = answer?.status ?? 0
    if (status === 200) {
      this.entityTag = answer?.headers.get('SIP-ETag')
      this.#isSure = true
    } else if (status === 412) {
      if (this.#isSure)
        this.losses.push(`${user.impu}: state ${this.state - 1} was answered 200, and its tag ${entityTag} is gone`)
      this.entityTag = undefined
    } else this.#isSure = false
    return status
  }

  #request(body: Buffer, expires: number): SipRequest {
    const { user, routes } = this.ue
    return ueRequest(
      'PUBLISH',
      user.impu,
      user,
      [
        ...routes,
        ['Event', 'presence'],
        ['Expires', String(expires)],
        ...(this.entityTag === undefined ? [] : [['SIP-If-Match', this.entityTag] as const]),
        ['Content-Type', 'application/pidf+xml'],
      ],
      body,
    )
  }
}

/** One subscription of a watcher, from its SUBSCRIBE to its end. */
export class CoreSubscription {
  readonly ue: CoreUe
  readonly presentity: string
  readonly callId: string
  /** What the newest NOTIFY showed that was in order; undefined before the first with a document. */
  shows: number | undefined
  isTerminated = false
  /** NOTIFYs that came, those that came twice or too late included. */
  notifies = 0
  readonly #request: SipRequest
  readonly #isBusy: () => boolean
  #dialog: Dialog | undefined
  #newestCseq = 0

  private constructor(ue: CoreUe, presentity: string, o: SubscriptionOptions) {
    this.ue = ue
    this.presentity = presentity
    this.#isBusy = o.isBusy ?? (() => false)
    this.#request = ueRequest('SUBSCRIBE', presentity, ue.user, [
      ...ue.routes,
      ue.recordRoute,
      ['Event', 'presence'],
      ['Expires', String(o.expires ?? EXPIRES_SECONDS)],
      ['Contact', ue.contact],
    ])
    this.callId = this.#request.headers.get('Call-ID') ?? ''
  }

  /** Subscribes, and gives the status with it; 0 when nobody answered. */
  static async open(
    ue: CoreUe,
    presentity: string,
    o: SubscriptionOptions = {},
  ): Promise<{ subscription: CoreSubscription; status: number }> {
    const subscription = new CoreSubscription(ue, presentity, o)
    return { subscription, status: await subscription.#open(o) }
  }

  /** Unsubscribes; gives the status, 0 when nobody answered. */
  async leave(o: { giveUpMs?: number } = {}): Promise<number> {
    if (!this.#dialog) throw new Error('there is no dialog to leave')
    this.#dialog = { ...this.#dialog, localCseq: this.#dialog.localCseq + 1 }
    const request = createDialogRequest(this.#dialog, 'SUBSCRIBE', this.#dialog.localCseq)
    request.headers.prepend(
      'Via',
      `SIP/2.0/UDP 127.0.0.1:15060;branch=z9hG4bKl${++branches};received=127.0.0.1;rport=15060`,
    )
    request.headers.add('Event', 'presence')
    request.headers.add('Expires', '0')
    request.headers.add('Contact', this.ue.contact)
    const end = this.ue.client.history.begin({ kind: 'leave', dialog: this.callId })
    const answer = await this.ue.client.send(request, this.ue.envelope, o)
    end(outcomeOf(answer))
    return answer?.status ?? 0
  }

  async #open(o: { giveUpMs?: number }): Promise<number> {
    const { client, user, envelope } = this.ue
    client.onNotify(this.callId, (notify) => this.#notified(notify))
    const { presentity, callId: dialog } = this
    const end = client.history.begin({ kind: 'subscribe', presentity, watcher: user.impu, dialog })
    const answer = await client.send(this.#request, envelope, o)
    end(outcomeOf(answer))
    if (answer && answer.status < 300) this.#dialog = createUacDialog(this.#request, answer)
    else client.forget(this.callId)
    return answer?.status ?? 0
  }

  #notified(notify: SipRequest): number {
    const sequence = cseq(notify).sequence
    const { state } = parseSubscriptionState(notify.headers.get('Subscription-State') ?? '')
    const shows = shownState(notify.body)
    this.ue.client.history.notify({
      presentity: this.presentity,
      watcher: this.ue.user.impu,
      dialog: this.callId,
      cseq: sequence,
      branch: sendersBranch(notify),
      subscriptionState: state === 'active' || state === 'pending' ? state : 'terminated',
      shows,
    })
    this.notifies += 1
    if (this.#isBusy()) return 503
    // Out of order (RFC 3261 section 12.2.2); the same once more is answered as it was.
    if (sequence < this.#newestCseq) return 500
    this.#newestCseq = sequence
    if (shows !== undefined) this.shows = shows
    if (state === 'terminated') this.isTerminated = true
    return 200
  }
}

/** Of the lowest Via, the Presence Server's own: a NOTIFY that goes another way once more has others above it. */
function sendersBranch(notify: SipRequest): string {
  const lowest = notify.headers.list('Via').at(-1)
  return lowest === undefined ? '' : (paramValue(parseVia(lowest).params, 'branch') ?? '')
}

/** The newest state in a document; -1 when it holds none, undefined when there is no document. */
export function shownState(body: Buffer): number | undefined {
  if (body.length === 0) return undefined
  let newest = -1
  for (const [, number] of body.toString('latin1').matchAll(/>state (\d+)</g)) newest = Math.max(newest, Number(number))
  return newest
}
