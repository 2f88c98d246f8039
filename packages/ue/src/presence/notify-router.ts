import { callId, event, type SipRequest, toTag } from '@rollcall/sip'
import { isOfPackage, type NotifyAnswer, type Subscription } from './subscription.ts'

/** What a UE that only watches and publishes takes from the network. */
const ALLOWED_METHODS = 'NOTIFY, OPTIONS'

/**
 * Finds the subscription that a NOTIFY belongs to: by its Call-ID and the tag that we gave our SUBSCRIBE, so that also
 * one is found which comes before the 200.
 *
 * @see RFC 6665 section 4.1.3
 */
export class NotifyRouter {
  readonly #subscriptions = new Map<string, Subscription>()
  #notifies = 0

  /** NOTIFYs that came, whether a subscription wanted them or not; those of the own registration are not counted. */
  get notifies(): number {
    return this.#notifies
  }

  add(subscription: Subscription): void {
    this.#subscriptions.set(keyOf(subscription.names.callId, subscription.names.fromTag), subscription)
  }

  remove(subscription: Subscription): void {
    this.#subscriptions.delete(keyOf(subscription.names.callId, subscription.names.fromTag))
  }

  /** The subscriptions that live. */
  all(): Subscription[] {
    return [...this.#subscriptions.values()]
  }

  /**
   * Takes a request from the network.
   *
   * @throws SipSyntaxError when a header field that it needs is broken.
   */
  receive(request: SipRequest, setId: string): NotifyAnswer {
    if (request.method === 'OPTIONS') return { status: 200, headers: [['Allow', ALLOWED_METHODS]] }
    if (request.method !== 'NOTIFY') return { status: 405, headers: [['Allow', ALLOWED_METHODS]] }
    const { package: eventPackage } = event(request)
    if (eventPackage !== 'reg') this.#notifies += 1
    const subscription = this.#subscriptions.get(keyOf(callId(request), toTag(request) ?? ''))
    if (!subscription || !isOfPackage(event(request), subscription.eventPackage)) return { status: 481 }
    return subscription.receive(request, setId)
  }
}

function keyOf(callId: string, localTag: string): string {
  return `${callId} ${localTag}`
}
