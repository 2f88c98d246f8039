import type { Clock, Impu, Random } from '@rollcall/core'
import { callId, cseq, formatSubscriptionState, fromTag, newTag, type SipRequest } from '@rollcall/sip'
import type { Refusal } from '../refusal.ts'
import type { EndedContact } from '../registrations/ended-registration.ts'
import { ExpiryWatch } from '../registrations/expiry-watch.ts'
import type { RegSubscription } from '../registrations/reg-subscription.ts'
import { liveContacts, type RegistrationSet } from '../registrations/registration.ts'
import type { AppendOutcome } from '../registrations/registration-log.ts'
import type { RegistrationWatcher, WatchedChange } from '../registrations/registration-watcher.ts'
import type { Registrations } from '../registrations/registrations.ts'
import { authorize, isBehind, isSamePcscf, type RegAsker, type RegSubscriber } from './authorize.ts'
import { intervalOf, newSubscription } from './decide-subscribe.ts'
import { SUBSCRIPTIONS_PER_PARTITION_MAX, SUBSCRIPTIONS_PER_SET_MAX } from './limits.ts'
import { type FinalReason, type RegNotice, RegNotifier } from './notifier.ts'
import { firstHop, regEventContact, writeNotify } from './notify.ts'
import type { NotifyOutcome } from './notify-outcome.ts'
import type { SendNotify } from './notify-sender.ts'
import { reginfoBody, reginfoOf } from './reginfo-of.ts'

/** A record that could not be written is tried again after this. */
const RECORD_RETRY_MS = 1_000

export interface RegEventsOptions {
  readonly clock: Clock
  readonly random: Random
  readonly partition: number
  /** Own host name. */
  readonly host: string
  readonly registrations: () => Pick<
    Registrations,
    'findByImpu' | 'subscriptions' | 'changeSubscription' | 'recentEnds' | 'isOwned'
  >
  readonly send: SendNotify
  /** Whether this replica may tell what it remembers of the partition. */
  readonly isLive: () => boolean
  readonly onOutcome: (outcome: NotifyOutcome) => void
  /** So many identities or contacts did not fit into a document. */
  readonly onOmitted: (count: number) => void
}

/** What a SUBSCRIBE is answered. */
export type SubscribeOutcome =
  | { readonly ok: true; readonly id: string; readonly expiresSeconds: number; readonly contact: string }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * The `reg` event package of one partition: who watches whose registration, and what they are told. Subscriptions are in
 * the partition's log beside the registrations, and one goes from it when its last NOTIFY is answered: so nobody who is to
 * hear of an end is forgotten by a crash.
 *
 * @see TS 24.229 clause 5.4.2.1, RFC 3680
 */
export class RegEvents implements RegistrationWatcher {
  readonly #o: RegEventsOptions
  readonly #notifier: RegNotifier
  readonly #expiry: ExpiryWatch
  #epoch = 0

  constructor(options: RegEventsOptions) {
    this.#o = options
    this.#notifier = new RegNotifier({
      clock: options.clock,
      current: (id) => this.#subscriptions.get(id)?.subscription,
      isLive: options.isLive,
      send: (...args) => this.#send(...args),
      onEnd: (id) => this.#forget(id),
    })
    this.#expiry = new ExpiryWatch(options.clock, (canonicalImpu, id) => this.#expire(canonicalImpu, id))
  }

  /** Subscriptions of the partition. */
  get size(): number {
    return this.#subscriptions.size
  }

  /**
   * The partition is ours as far as everybody knows. What the owner before told is not known: every subscriber is told
   * the state once.
   */
  begin(epoch: bigint): void {
    this.#epoch = Number(epoch)
    this.#notifier.begin(this.#epoch)
    const ends = this.#endsBySet()
    for (const { canonicalImpu, subscription } of [...this.#subscriptions.all()]) {
      this.#watchExpiry(canonicalImpu, subscription)
      const set = this.#o.registrations().findByImpu(canonicalImpu)
      this.#tell(subscription, { canonicalImpu, set, ended: ends.get(canonicalImpu) ?? [], isNews: true })
    }
  }

  stop(): void {
    this.#notifier.stop()
    this.#expiry.stop()
  }

  /** A durable change of a set. */
  changed(change: WatchedChange): void {
    if (!change.isNews) return
    for (const subscription of this.#subscriptions.of(change.canonicalImpu)) {
      // guard: reg-event-own-end — who leaves by itself has no security association any more to be told over
      if (isOwnLeave(subscription, change) || isMove(change)) void this.#forget(subscription.id)
      else this.#tell(subscription, change)
    }
  }

  /**
   * A SUBSCRIBE outside of a dialog.
   *
   * @throws SipSyntaxError
   */
  async subscribe(request: SipRequest, impu: Impu, asker: RegAsker, traceparent: string): Promise<SubscribeOutcome> {
    const interval = intervalOf(request)
    if (!interval.ok) return interval
    const nowMs = this.#o.clock.now()
    const set = this.#o.registrations().findByImpu(impu)
    if (!set || liveContacts(set, nowMs).length === 0) return refused('reg-event-unregistered')
    const subscriber = authorize(asker, set, nowMs)
    if (!subscriber) return refused('reg-event-denied')
    const { canonicalImpu } = set
    const again = this.#sameRequest(canonicalImpu, request)
    if (again) return this.#accepted(again.id, interval.seconds)
    const expiresAtMs = nowMs + interval.seconds * 1_000
    const id = newTag(this.#o.random)
    const subscription = newSubscription(request, { id, subscriber, resource: impu, expiresAtMs, epoch: this.#epoch })
    // guard: reg-event-bound — a user has a bounded number of subscribers
    if (this.#isFull(canonicalImpu)) return refused('reg-event-full')
    const { outcome, replaced } = await this.#o
      .registrations()
      .changeSubscription(canonicalImpu, { kind: 'subscribed', subscription }, traceparent)
    for (const other of replaced) this.#drop(canonicalImpu, other.id)
    if (outcome !== 'stored') return refused(outcome)
    if (interval.seconds > 0) this.#watchExpiry(canonicalImpu, subscription)
    return this.#accepted(id, interval.seconds)
  }

  /**
   * A SUBSCRIBE in a dialog: a refresh, or the end.
   *
   * @throws SipSyntaxError
   */
  async resubscribe(request: SipRequest, id: string, asker: RegAsker, traceparent: string): Promise<SubscribeOutcome> {
    const interval = intervalOf(request)
    if (!interval.ok) return interval
    const kept = this.#subscriptions.get(id)
    if (!kept || !isInDialog(kept.subscription, request)) return refused('reg-event-dialog')
    const { canonicalImpu, subscription } = kept
    const nowMs = this.#o.clock.now()
    const set = this.#o.registrations().findByImpu(canonicalImpu)
    const subscriber = set && authorize(asker, set, nowMs)
    // guard: reg-event-dialog-owner — knowing the tags of a dialog is not enough
    if (!subscriber || !isSubscriberOf(subscription, subscriber)) return refused('reg-event-denied')
    const remoteCseq = cseq(request).sequence
    if (remoteCseq < subscription.remoteCseq) return refused('out-of-order')
    const refreshed: RegSubscription = {
      ...subscription,
      subscriber: subscriber.subscriber,
      remoteCseq,
      expiresAtMs: nowMs + interval.seconds * 1_000,
      notifyBase: this.#notifier.baseOf(subscription),
    }
    const { outcome } = await this.#o
      .registrations()
      .changeSubscription(canonicalImpu, { kind: 'subscribed', subscription: refreshed }, traceparent)
    if (outcome !== 'stored') return refused(outcome)
    if (interval.seconds > 0) this.#watchExpiry(canonicalImpu, refreshed)
    return this.#accepted(id, interval.seconds)
  }

  /** The SUBSCRIBE was answered: the state follows at once (RFC 6665 section 4.2.1.2). */
  answered(id: string, expiresSeconds: number): void {
    const kept = this.#subscriptions.get(id)
    if (!kept) return
    const { canonicalImpu, subscription } = kept
    const set = this.#o.registrations().findByImpu(canonicalImpu)
    if (expiresSeconds === 0) this.#last(canonicalImpu, subscription, 'timeout', { ended: [], set })
    else this.#tell(subscription, { canonicalImpu, set, ended: [], isNews: true })
  }

  /** Contacts that ended lately, as a subscriber hears of them. */
  #endsBySet(): Map<Impu, EndedContact[]> {
    const ends = new Map<Impu, EndedContact[]>()
    for (const { canonicalImpu, contact, ended, retryAfterSeconds } of this.#o.registrations().recentEnds()) {
      if (!contact) continue
      const own = ends.get(canonicalImpu) ?? []
      own.push({ contact, reason: ended.reason, retryAfterSeconds })
      ends.set(canonicalImpu, own)
    }
    return ends
  }

  get #subscriptions(): Registrations['subscriptions'] {
    return this.#o.registrations().subscriptions
  }

  #accepted(id: string, expiresSeconds: number): SubscribeOutcome {
    return { ok: true, id, expiresSeconds, contact: regEventContact(this.#o.partition, this.#o.host) }
  }

  /** The same SUBSCRIBE has come before: it made one subscription, and makes no other. */
  #sameRequest(canonicalImpu: Impu, request: SipRequest): RegSubscription | undefined {
    const id = callId(request)
    const tag = fromTag(request)
    const { sequence } = cseq(request)
    return this.#subscriptions.of(canonicalImpu).find((other) => {
      return other.callId === id && other.remoteTag === tag && other.remoteCseq === sequence
    })
  }

  #isFull(canonicalImpu: Impu): boolean {
    return (
      this.#subscriptions.of(canonicalImpu).length >= SUBSCRIPTIONS_PER_SET_MAX ||
      this.#subscriptions.size >= SUBSCRIPTIONS_PER_PARTITION_MAX
    )
  }

  #tell(subscription: RegSubscription, { canonicalImpu, set, ended }: WatchedChange): void {
    if (this.#hasGround(subscription, set)) {
      this.#notifier.offer(subscription, { ended, final: undefined, lastSet: undefined })
    } else this.#last(canonicalImpu, subscription, 'noresource', { ended, set })
  }

  /** Whether there still is what the subscription stands on: a contact of the UE, one behind the P-CSCF, or any at all. */
  #hasGround({ kind, impi, subscriber }: RegSubscription, set: RegistrationSet | undefined): boolean {
    const nowMs = this.#o.clock.now()
    const live = set ? liveContacts(set, nowMs) : []
    if (!set || live.length === 0) return false
    if (kind === 'user') return live.some((contact) => contact.impi === impi)
    return kind === 'as' || isBehind(set, subscriber, nowMs)
  }

  #last(
    canonicalImpu: Impu,
    subscription: RegSubscription,
    final: FinalReason,
    { ended, set }: { readonly ended: readonly EndedContact[]; readonly set: RegistrationSet | undefined },
  ): void {
    this.#expiry.unwatch(canonicalImpu, subscription.id)
    this.#notifier.offer(subscription, { ended, final, lastSet: set })
  }

  #send(
    subscription: RegSubscription,
    notice: RegNotice,
    number: number,
    mayLeave: () => boolean,
    done: (outcome: NotifyOutcome) => void,
  ): void {
    const { clock, host, partition, registrations, send, onOutcome, onOmitted } = this.#o
    const nowMs = clock.now()
    const set = this.#setOf(subscription) ?? notice.lastSet
    const { resource } = subscription
    const info = reginfoOf({ set, ended: notice.ended, resource }, number - 1, nowMs)
    const { body, omitted } = reginfoBody(info)
    if (omitted > 0) onOmitted(omitted)
    const expiresSeconds = Math.max(0, Math.ceil((subscription.expiresAtMs - nowMs) / 1_000))
    const state = notice.final
      ? formatSubscriptionState({ state: 'terminated', reason: notice.final })
      : formatSubscriptionState({ state: 'active', expiresSeconds })
    const request = writeNotify(subscription, { cseq: number, state, body, contact: regEventContact(partition, host) })
    const isOurs = (): boolean => mayLeave() && registrations().isOwned(this.#canonicalOf(subscription))
    send(firstHop(subscription), request, isOurs, (outcome) => {
      onOutcome(outcome)
      done(outcome)
    })
  }

  #canonicalOf({ id, resource }: RegSubscription): Impu {
    return this.#subscriptions.get(id)?.canonicalImpu ?? resource
  }

  #setOf(subscription: RegSubscription): RegistrationSet | undefined {
    return this.#o.registrations().findByImpu(this.#canonicalOf(subscription))
  }

  #watchExpiry(canonicalImpu: Impu, { id, expiresAtMs }: RegSubscription): void {
    this.#expiry.watch(canonicalImpu, id, expiresAtMs - this.#o.clock.now())
  }

  #expire(canonicalImpu: Impu, id: string): void {
    const kept = this.#subscriptions.get(id)
    if (!kept) return
    // The wall clock may have been set back meanwhile.
    if (kept.subscription.expiresAtMs > this.#o.clock.now()) this.#watchExpiry(canonicalImpu, kept.subscription)
    else {
      const set = this.#o.registrations().findByImpu(canonicalImpu)
      this.#last(canonicalImpu, kept.subscription, 'timeout', { ended: [], set })
    }
  }

  #drop(canonicalImpu: Impu, id: string): void {
    this.#expiry.unwatch(canonicalImpu, id)
    this.#notifier.drop(id)
  }

  /** Writes down that a subscription has ended. While the log is away it is tried again. */
  async #forget(id: string): Promise<void> {
    const kept = this.#subscriptions.get(id)
    if (!kept) return
    const { canonicalImpu } = kept
    this.#drop(canonicalImpu, id)
    const { outcome } = await this.#o.registrations().changeSubscription(canonicalImpu, { kind: 'unsubscribed', id })
    if (outcome !== 'store-unavailable' || !this.#subscriptions.get(id)) return
    // It is due again then: its end is told once more, which a dialog that is gone answers by 481.
    this.#expiry.watch(canonicalImpu, id, RECORD_RETRY_MS)
  }
}

/** The user is another S-CSCF's now, which tells what is registered there (TS 29.229 clause 6.3.17). */
function isMove({ set, ended }: WatchedChange): boolean {
  const isGone = set === undefined || set.contacts.size === 0
  return isGone && ended.length > 0 && ended.every(({ reason }) => reason === 'moved')
}

/** A UE that ended its own last contact is not told so. */
function isOwnLeave({ kind, impi }: RegSubscription, { set, ended }: WatchedChange): boolean {
  if (kind !== 'user') return false
  const isGone = ![...(set?.contacts.values() ?? [])].some((contact) => contact.impi === impi)
  return isGone && ended.some(({ contact, reason }) => contact.impi === impi && reason === 'unregistered')
}

function isSubscriberOf(subscription: RegSubscription, { kind, subscriber, impi }: RegSubscriber): boolean {
  if (kind !== subscription.kind || impi !== subscription.impi) return false
  return (
    subscriber === subscription.subscriber || (kind === 'pcscf' && isSamePcscf(subscriber, subscription.subscriber))
  )
}

function isInDialog(subscription: RegSubscription, request: SipRequest): boolean {
  return subscription.callId === callId(request) && subscription.remoteTag === fromTag(request)
}

function refused(reason: Refusal['reason'] | Exclude<AppendOutcome, 'stored'>): SubscribeOutcome {
  return { ok: false, refusal: { reason } }
}
