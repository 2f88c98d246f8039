import type { Impu } from '@rollcall/core'
import type { StoredDocument } from '@rollcall/xcap'
import { applyChanges, type Touched } from '../actor/apply.ts'
import type { Change } from '../actor/change.ts'
import { Documents } from '../actor/documents.ts'
import {
  emptyState,
  nextExpiryMs,
  type PresentityState,
  type Publication,
  type Registration,
  registrationDueMs,
  rulesChangeMs,
  type Subscription,
} from '../actor/state.ts'
import { noWaitingWatchers, type WaitingWatcher } from '../actor/waiting.ts'
import { ExpiryQueue } from './expiry-queue.ts'
import type { DecisionRecord } from './log-record.ts'
import type { OwnedRequest, PartitionLimits } from './owner-context.ts'
import { WatcherIndex } from './watcher-index.ts'

/** Of one presentity, as much as stands in one record of a snapshot. */
export interface PresentityPart {
  readonly presentity: Impu
  readonly lastPublicationNumber: number
  readonly registration: Registration | undefined
  readonly publications: readonly Publication[]
  readonly subscriptions: readonly Subscription[]
  /** By `documentKey`. */
  readonly documents: readonly (readonly [key: string, document: StoredDocument])[]
  /** The one that has waited longest first. */
  readonly waiting: readonly WaitingWatcher[]
}

/** All presentities of a partition with something to remember, with the indexes and sums that spare looking through them. */
export class Presentities {
  readonly #states = new Map<Impu, PresentityState>()
  readonly #bySubscription = new Map<string, Impu>()
  readonly #watchers = new WatcherIndex()
  readonly #expiries = new ExpiryQueue<PresentityState>()
  #publications = 0
  #waiting = 0
  #bodyOctets = 0

  get size(): number {
    return this.#states.size
  }

  get publications(): number {
    return this.#publications
  }

  /** Octets of all published documents. */
  get bodyOctets(): number {
    return this.#bodyOctets
  }

  get subscriptions(): number {
    return this.#bySubscription.size
  }

  /** Watchers who wait without a subscription. */
  get waiting(): number {
    return this.#waiting
  }

  get(presentity: Impu): PresentityState | undefined {
    return this.#states.get(presentity)
  }

  /** The state of a presentity; it is kept once there is something to remember. */
  of(presentity: Impu): PresentityState {
    return this.#states.get(presentity) ?? emptyState(presentity)
  }

  /** Whose subscription this is. */
  presentityOf(subscriptionId: string): Impu | undefined {
    return this.#bySubscription.get(subscriptionId)
  }

  /** What a watcher of any of these identities has subscribed to before `beforeMs`, by presentity. */
  watchedBy(impus: readonly Impu[], beforeMs: number): Map<Impu, string[]> {
    const watched = new Map<Impu, string[]>()
    for (const id of this.#watchers.of(impus)) {
      const presentity = this.#bySubscription.get(id)
      const subscription = presentity && this.#states.get(presentity)?.subscriptions.get(id)
      // guard: watcher-before — what the watcher subscribed to after it came back is not of the registration that ended
      if (!presentity || !subscription || subscription.startedAtMs > beforeMs) continue
      const ids = watched.get(presentity)
      if (ids) ids.push(id)
      else watched.set(presentity, [id])
    }
    return watched
  }

  values(): Iterable<PresentityState> {
    return this.#states.values()
  }

  /** Makes a record's changes. */
  apply(record: Omit<DecisionRecord, 'kind' | 'answered'>, traceparent: string): Touched {
    const { presentity, changes, decidedAtMs } = record
    const state = this.of(presentity)
    const before = state.publications.size
    const waitingBefore = state.waiting?.size ?? 0
    const octetsBefore = octetsOf(state)
    const touched = applyChanges(state, changes, { decidedAtMs, traceparent })
    this.#publications += state.publications.size - before
    this.#waiting += (state.waiting?.size ?? 0) - waitingBefore
    this.#bodyOctets += octetsOf(state) - octetsBefore
    for (const change of changes) this.#index(state, change)
    for (const { subscription } of touched.ended) {
      this.#bySubscription.delete(subscription.id)
      this.#watchers.delete(subscription)
    }
    this.#keep(state)
    return touched
  }

  /** Takes what a snapshot says of a presentity; several parts add up. */
  put({
    presentity,
    lastPublicationNumber,
    registration,
    publications,
    subscriptions,
    documents,
    waiting,
  }: PresentityPart): void {
    const state = this.of(presentity)
    for (const [key, document] of documents) {
      state.documents ??= new Documents()
      state.documents.set(key, document)
      this.#bodyOctets += document.octets.length
    }
    state.registration = registration ?? state.registration
    state.lastPublicationNumber = Math.max(state.lastPublicationNumber, lastPublicationNumber)
    for (const publication of publications) {
      state.publications.set(publication)
      this.#publications += 1
      this.#bodyOctets += publication.body.length
    }
    for (const subscription of subscriptions) {
      state.subscriptions.set(subscription)
      this.#bySubscription.set(subscription.id, presentity)
      this.#watchers.add(subscription)
    }
    for (const place of waiting) {
      state.waiting ??= noWaitingWatchers()
      state.waiting.set(place)
      this.#waiting += 1
    }
    this.#keep(state)
    this.reschedule(presentity, Number.NEGATIVE_INFINITY)
  }

  /** Is there no room for what this request would add? */
  isFullFor(presentity: Impu, input: OwnedRequest['input'], limits: PartitionLimits): boolean {
    switch (input.kind) {
      case 'publish':
        if (input.body.length === 0) return false
        if (this.#bodyOctets + input.body.length > limits.bodyOctets) return true
        break
      case 'subscribe':
        // Who has left may wait on, and takes room as one who watches.
        if (this.subscriptions + this.#waiting >= limits.subscriptions) return true
        break
      case 'resubscribe':
        return false
      case 'register':
        // That somebody is gone is heard of in any case, and soon forgotten.
        if (input.binding?.expiresSeconds === 0) return false
        break
    }
    return this.size >= limits.presentities && !this.#states.has(presentity)
  }

  /** Is there no room for a document of so many octets? */
  isFullForDocument(presentity: Impu, octets: number, limits: PartitionLimits): boolean {
    if (this.#bodyOctets + octets > limits.bodyOctets) return true
    return this.size >= limits.presentities && !this.#states.has(presentity)
  }

  /** The next presentity of whom something has run out. */
  takeDue(nowMs: number): Impu | undefined {
    return this.#expiries.takeDue(nowMs)?.presentity
  }

  /** Has something of this presentity run out? Then it is taken from those due. */
  takeIfDue(presentity: Impu, nowMs: number): boolean {
    const state = this.#states.get(presentity)
    return state !== undefined && this.#expiries.take(state, nowMs)
  }

  /** The presentity is looked at again when its next thing runs out, and not before `nowMs`. */
  reschedule(presentity: Impu, nowMs: number): void {
    const state = this.#states.get(presentity)
    if (state) this.#expiries.schedule(state, Math.max(nextExpiryMs(state), nowMs))
  }

  /** All of the presentity's watchers are decided as of `nowMs`; her rules say the same of them until `changeAtMs`. */
  rulesDecided(presentity: Impu, nowMs: number, changeAtMs: number): void {
    this.#states.get(presentity)?.documents?.decided(nowMs, changeAtMs)
    this.rulesChangeAt(presentity, changeAtMs)
  }

  /** Of one more watcher the presentity's rules may say something else from `changeAtMs` on. */
  rulesChangeAt(presentity: Impu, changeAtMs: number): void {
    const state = this.#states.get(presentity)
    if (!state?.documents) return
    state.documents.changesAt(changeAtMs)
    this.#expiries.schedule(state, changeAtMs)
  }

  clear(): void {
    this.#states.clear()
    this.#bySubscription.clear()
    this.#watchers.clear()
    this.#expiries.clear()
    this.#publications = 0
    this.#waiting = 0
    this.#bodyOctets = 0
  }

  #keep(state: PresentityState): void {
    const { presentity, publications, subscriptions, registration, documents, waiting } = state
    if (publications.size > 0 || subscriptions.size > 0 || registration || documents || waiting) {
      this.#states.set(presentity, state)
      return
    }
    this.#states.delete(presentity)
    this.#expiries.forget(state)
  }

  #index(state: PresentityState, change: Change): void {
    switch (change.kind) {
      case 'publication-stored':
      case 'publication-refreshed':
      case 'subscription-refreshed':
        this.#expiries.schedule(state, change.expiresAtMs)
        return
      case 'subscription-stored':
        this.#expiries.schedule(state, change.subscription.expiresAtMs)
        this.#bySubscription.set(change.subscription.id, state.presentity)
        this.#watchers.add(change.subscription)
        return
      case 'registration-stored':
      case 'registration-ended':
      case 'publication-removed':
        this.#expiries.schedule(state, registrationDueMs(state))
        return
      case 'document-stored':
      case 'document-removed':
        this.#expiries.schedule(state, rulesChangeMs(state))
        return
      case 'subscription-ended':
        if (change.waitsUntilMs !== undefined) this.#expiries.schedule(state, change.waitsUntilMs)
        return
      case 'registration-forgotten':
      case 'subscription-decided':
      case 'waiting-ended':
      case 'watcher-refused':
      case 'notify-base-moved':
        return
    }
  }
}

function octetsOf({ publications, documents }: PresentityState): number {
  let octets = documents?.octets ?? 0
  for (const { body } of publications.values()) octets += body.length
  return octets
}
