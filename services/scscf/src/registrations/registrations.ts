import type { Clock, Impi, Impu, Random, RollcallError } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { newTag } from '@rollcall/sip'
import type { LoadedRecord, RequestKey } from '@rollcall/store'
import type { SkippedCriterion } from '../ifc/filter-criteria.ts'
import type { RefusalReason } from '../refusal.ts'
import type { AcceptedAnswer, StoreOutcome } from '../registrar/attempt.ts'
import type { RegisterRequest } from '../registrar/register-request.ts'
import type { RegistrarStore } from '../registrar/registrar.ts'
import { isOnOtherInstance } from '../registrar/step.ts'
import { acceptedHeaders, endedHeaders } from './accepted-headers.ts'
import { contactsToEnd, requestedContacts } from './asked-contacts.ts'
import type { EndedContact, EndedRegistration, EndReason } from './ended-registration.ts'
import { ExpiryWatch } from './expiry-watch.ts'
import type { PartitionLog } from './partition-log.ts'
import { PartitionState } from './partition-state.ts'
import type { RecentEnd } from './recent-ends.ts'
import type { LoggedAnswer, LoggedChange } from './record.ts'
import type { RegSubscription, SubscriptionChange } from './reg-subscription.ts'
import type { RegSubscriptionTable } from './reg-subscription-table.ts'
import { type Contact, contactKey, isLive, type RegistrationSet } from './registration.ts'
import type { RegistrationListener } from './registration-listener.ts'
import { type AppendOutcome, RegistrationLog } from './registration-log.ts'
import type { Applied, Change, RegistrationTable, RemovedChange } from './registration-table.ts'
import type { RegistrationWatcher } from './registration-watcher.ts'

/** A contact whose time is up while the log cannot be written is looked at again after this. */
const EXPIRY_RETRY_MS = 1_000

export interface RegistrationsOptions {
  readonly clock: Clock
  readonly random: Random
  /** Value of the Service-Route header field. */
  readonly serviceRoute: string
  /** Granted at most, and when the UE does not say. */
  readonly expiresSecondsMax: number
  /** Contacts of one set. */
  readonly contactsMax: number
  /** How long, and how many, 200s are kept for retransmissions. */
  readonly answers: { readonly retainMs: number; readonly entriesMax: number }
  /** Whether a set belongs to this partition. */
  readonly owns: (canonicalImpu: Impu) => boolean
  /** A registration ended. Resolves when the HSS was told, or will be later. */
  readonly onEnded: (ended: EndedRegistration) => Promise<void>
  readonly onSkipped: (skipped: readonly SkippedCriterion[]) => void
  /** A snapshot could not be written: the one before stays in force, and another is tried later. */
  readonly onSnapshotFailed: (error: RollcallError) => void
  readonly listeners: readonly RegistrationListener[]
  readonly watcher: RegistrationWatcher
}

/** What the network does to contacts. */
export type ContactsOutcome =
  | { readonly kind: 'done'; readonly contacts: number }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }

/** Contacts that the network ends, and how. */
export interface NetworkEnd {
  readonly isMeant: (contact: Contact) => boolean
  readonly reason: Exclude<EndReason, 'unregistered' | 'expired'>
  readonly retryAfterSeconds: number
  /** The HSS asked for it, and need not be told. */
  readonly isOfHss: boolean
}

/**
 * The registrations of one partition: memory that its log backs. A change is decided and applied at once, appended in the
 * same tick, and answered when the append is acknowledged; a log that cannot be written is found out before anything is
 * decided.
 *
 * In order: `replay` for each record of the log, `open`, `begin`, and in the end `release` or `drop`.
 */
export class Registrations implements RegistrarStore {
  readonly #options: RegistrationsOptions
  readonly #state: PartitionState
  readonly #table: RegistrationTable
  readonly #expiry: ExpiryWatch
  readonly #log: RegistrationLog

  constructor(options: RegistrationsOptions) {
    const { clock, answers, onSnapshotFailed } = options
    this.#options = options
    const { onSkipped } = options
    const remember = (answered: LoggedAnswer, atMs: number): void => this.#log.remember(answered, atMs)
    this.#state = new PartitionState({ clock, onSkipped, remember })
    this.#table = this.#state.table
    this.#expiry = new ExpiryWatch(clock, (canonicalImpu, key) => this.#expire(canonicalImpu, key))
    this.#log = new RegistrationLog({ clock, answers, onSnapshotFailed, parts: () => this.#state.parts() })
  }

  /**
   * Takes a record of the log, or of the snapshot before it.
   *
   * @throws RecordUnreadableError
   */
  replay(loaded: Pick<LoadedRecord, 'record' | 'fromSnapshot'>): void {
    this.#state.replay(loaded)
  }

  /** The log is loaded: from now on it can be written. */
  open(log: PartitionLog): void {
    this.#log.open(log)
  }

  /**
   * The partition is ours as far as everybody knows: contacts whose time ran out meanwhile end now, and the HSS hears of
   * ends that it may have missed.
   */
  begin(): void {
    const nowMs = this.#options.clock.now()
    for (const set of this.#table.sets()) {
      for (const contact of set.contacts.values()) this.#watchExpiry(set.canonicalImpu, contact)
    }
    for (const { ended } of this.#state.ends.recent(nowMs)) {
      const isHere = this.#table.contactsOf(ended.impi).length > 0
      if (!isHere && ended.reason !== 'moved') void this.#options.onEnded(ended)
    }
  }

  /** Ends nothing by itself any more; what is asked for is decided still. */
  halt(): void {
    this.#expiry.stop()
  }

  /** Makes durable what was decided, and ends. */
  async release(): Promise<void> {
    this.halt()
    await this.#log.release()
  }

  /** Ends at once: somebody else owns the partition, or may. */
  drop(): void {
    this.halt()
    this.#log.drop()
  }

  /** Whether this process may speak for the set. */
  isOwned(canonicalImpu: Impu): boolean {
    return this.#log.isOpen && this.#options.owns(canonicalImpu)
  }

  /** Sets with a contact at least. */
  get size(): number {
    return this.#table.size
  }

  get sets(): readonly RegistrationSet[] {
    return [...this.#table.sets()]
  }

  /** What a REGISTER was answered, by whoever owned the partition then, while a retransmission may come. */
  answerTo(key: RequestKey): AcceptedAnswer | undefined {
    return this.#log.answerTo(key)
  }

  /** The set that `impu` belongs to, as long as the partition is ours. */
  findByImpu(impu: Impu): RegistrationSet | undefined {
    return this.#log.isOpen ? this.#table.findByImpu(impu) : undefined
  }

  boundInstance(impi: Impi) {
    const nowMs = this.#options.clock.now()
    const live = this.#table.contactsOf(impi).filter((contact) => isLive(contact, nowMs))
    const [first] = live
    return first && { instance: first.instance, sourceAddress: first.sourceAddress, uris: live.map(({ uri }) => uri) }
  }

  async bind(request: RegisterRequest, profile: ServiceProfile): Promise<StoreOutcome> {
    const { clock, random, serviceRoute, expiresSecondsMax, contactsMax } = this.#options
    const canonicalImpu = profile.canonicalImpu as Impu
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return unwritable
    if (isOnOtherInstance(request, this.boundInstance(request.impi))) {
      return { kind: 'refused', reason: 'other-instance' }
    }
    const nowMs = clock.now()
    const before = [...(this.#table.get(canonicalImpu)?.contacts.values() ?? [])]
    const own = before.filter(({ impi }) => impi === request.impi)
    if (own.some(({ callId, cseq }) => callId === request.callId && cseq >= request.cseq)) {
      return { kind: 'refused', reason: 'out-of-order' }
    }
    const known = new Set(own.map(contactKey))
    const contacts = requestedContacts(request, { nowMs, expiresSecondsMax, isKnown: (key) => known.has(key) })
    const [first] = contacts
    if (!first) return { kind: 'refused', reason: 'malformed' }
    // guard: contacts-max — a set has a bounded number of contacts
    if (before.length - own.length + contacts.length > contactsMax) return { kind: 'refused', reason: 'contacts-full' }
    const needsProfile = this.#table.needsProfile(canonicalImpu, profile)
    const changes = contacts.map((contact) => {
      return { kind: 'bound', contact, profile: needsProfile && contact === first ? profile : undefined } as const
    })
    const gone = changes.flatMap((change) => this.#apply(canonicalImpu, change).gone)
    const set = this.#table.get(canonicalImpu)
    if (!set) return { kind: 'refused', reason: 'store-unavailable' }
    const answer = { toTag: newTag(random), headers: acceptedHeaders(set, contacts, { nowMs, serviceRoute }) }
    const outcome = await this.#appendAll(
      changes.map((change) => ({ atMs: nowMs, canonicalImpu, change, reason: undefined, answered: undefined })),
      request,
      answer,
    )
    if (outcome !== 'stored') return { kind: 'refused', reason: outcome }
    const ended = gone.map((contact) => ({ contact, reason: 'replaced', retryAfterSeconds: 0 }) as const)
    this.#tellEnded(set, ended)
    for (const contact of contacts) {
      const kind = own.length > 0 ? 're-registration' : 'initial'
      for (const listener of this.#options.listeners) listener.registered(set, contact, kind, request, answer)
    }
    const wasShortened = own.some(({ state }) => state === 'shortened')
    const isNews = wasShortened || ended.length > 0 || contacts.some(({ state }) => state === 'registered')
    this.#options.watcher.changed({ canonicalImpu, set, ended, isNews })
    return { kind: 'accepted', answer }
  }

  async unbind(request: RegisterRequest): Promise<StoreOutcome> {
    const { clock, random } = this.#options
    const nowMs = clock.now()
    const set = this.#table.findByImpu(request.impu)
    const ending = set ? contactsToEnd(set, request) : []
    if (!set || ending.length === 0) {
      return { kind: 'accepted', answer: { toTag: newTag(random), headers: endedHeaders(set, nowMs) } }
    }
    const { canonicalImpu } = set
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return unwritable
    const end = this.#end(canonicalImpu, ending, { reason: 'unregistered', retryAfterSeconds: 0 })
    const answer = { toTag: newTag(random), headers: endedHeaders(end.set, nowMs) }
    const outcome = await this.#appendAll(end.logged, request, answer)
    if (outcome !== 'stored') return { kind: 'refused', reason: outcome }
    this.#tellEnded(end.set, end.ended, request, answer)
    this.#options.watcher.changed({ canonicalImpu, set: end.set, ended: end.ended, isNews: true })
    await this.#tellHss(request.impi, request.impu, 'unregistered')
    return { kind: 'accepted', answer }
  }

  /**
   * Ends contacts because the network says so: durable first, then everybody is told.
   *
   * @see TS 24.229 clause 5.4.1.5
   */
  async end(
    canonicalImpu: Impu,
    { isMeant, reason, retryAfterSeconds, isOfHss }: NetworkEnd,
  ): Promise<ContactsOutcome> {
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return unwritable
    const ending = [...(this.#table.get(canonicalImpu)?.contacts.values() ?? [])].filter(isMeant)
    if (ending.length === 0) return { kind: 'done', contacts: 0 }
    const end = this.#end(canonicalImpu, ending, { reason, retryAfterSeconds })
    const outcome = await this.#appendAll(end.logged)
    if (outcome !== 'stored') return { kind: 'refused', reason: outcome }
    this.#tellEnded(end.set, end.ended)
    this.#options.watcher.changed({ canonicalImpu, set: end.set, ended: end.ended, isNews: true })
    if (!isOfHss) {
      await Promise.all(ending.map(({ impi, registeredImpu }) => this.#tellHss(impi, registeredImpu, reason)))
    }
    return { kind: 'done', contacts: ending.length }
  }

  /**
   * Lets contacts end at `expiresAtMs`, if they would not end before, so that their UEs authenticate anew.
   *
   * @see TS 24.229 clause 5.4.1.6
   */
  async shorten(
    canonicalImpu: Impu,
    isMeant: (contact: Contact) => boolean,
    expiresAtMs: number,
  ): Promise<ContactsOutcome> {
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return unwritable
    const all = [...(this.#table.get(canonicalImpu)?.contacts.values() ?? [])]
    const meant = all.filter((contact) => isMeant(contact) && contact.expiresAtMs > expiresAtMs)
    if (meant.length === 0) return { kind: 'done', contacts: 0 }
    const logged = meant.map(({ impi, instance, uri }) => {
      const change = { kind: 'shortened', impi, instance, uri, expiresAtMs } as const
      this.#apply(canonicalImpu, change)
      return { ...this.#plain(canonicalImpu), change }
    })
    const outcome = await this.#appendAll(logged)
    if (outcome !== 'stored') return { kind: 'refused', reason: outcome }
    this.#options.watcher.changed({ canonicalImpu, set: this.#table.get(canonicalImpu), ended: [], isNews: true })
    return { kind: 'done', contacts: meant.length }
  }

  /** Another profile for a set, if it has contacts (TS 29.228 clause 6.2.2.1). */
  async replaceProfile(profile: ServiceProfile): Promise<AppendOutcome> {
    const canonicalImpu = profile.canonicalImpu as Impu
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return unwritable.reason
    if (!this.#table.get(canonicalImpu) || !this.#table.needsProfile(canonicalImpu, profile)) return 'stored'
    const change = { kind: 'profile', profile } as const
    const { set } = this.#apply(canonicalImpu, change)
    const outcome = await this.#appendAll([{ ...this.#plain(canonicalImpu), change }])
    if (outcome === 'stored') this.#options.watcher.changed({ canonicalImpu, set, ended: [], isNews: true })
    return outcome
  }

  /** Subscriptions to registration state in this partition. */
  get subscriptions(): Pick<RegSubscriptionTable, 'size' | 'get' | 'of' | 'all'> {
    return this.#state.subscriptions
  }

  /** Makes a change of the subscriptions; gives what they replaced when it is durable. */
  async changeSubscription(
    canonicalImpu: Impu,
    change: SubscriptionChange,
    traceparent = '',
  ): Promise<{ readonly outcome: AppendOutcome; readonly replaced: readonly RegSubscription[] }> {
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return { outcome: unwritable.reason, replaced: [] }
    const replaced = this.#state.subscriptions.apply(canonicalImpu, change)
    const outcome = await this.#log.append({ ...this.#plain(canonicalImpu), change }, traceparent)
    return { outcome, replaced }
  }

  /** Contacts of a set, or of all, that ended lately. */
  recentEnds(canonicalImpu?: Impu): readonly RecentEnd[] {
    const recent = this.#state.ends.recent(this.#options.clock.now())
    return canonicalImpu === undefined ? recent : recent.filter((end) => end.canonicalImpu === canonicalImpu)
  }

  /** A set that has contacts. */
  get(canonicalImpu: Impu): RegistrationSet | undefined {
    return this.#table.get(canonicalImpu)
  }

  #plain(canonicalImpu: Impu): Omit<LoggedChange, 'change'> {
    return { atMs: this.#options.clock.now(), canonicalImpu, reason: undefined, answered: undefined }
  }

  /** Applies the end of contacts, and makes the records of it. */
  #end(
    canonicalImpu: Impu,
    ending: readonly Contact[],
    { reason, retryAfterSeconds }: { readonly reason: EndReason; readonly retryAfterSeconds: number },
  ): { set: RegistrationSet | undefined; ended: EndedContact[]; logged: LoggedChange[] } {
    let set: RegistrationSet | undefined
    const logged = ending.map(({ impi, instance, uri }): LoggedChange => {
      const change: RemovedChange = { kind: 'removed', impi, instance, uri, retryAfterSeconds }
      const entry = { ...this.#plain(canonicalImpu), change, reason }
      this.#state.noteEnd(canonicalImpu, change, reason, entry.atMs)
      set = this.#apply(canonicalImpu, change).set
      return entry
    })
    return { set, logged, ended: ending.map((contact) => ({ contact, reason, retryAfterSeconds })) }
  }

  #tellEnded(
    set: RegistrationSet | undefined,
    ended: readonly EndedContact[],
    request?: RegisterRequest,
    answer?: AcceptedAnswer,
  ): void {
    if (!set) return
    for (const { contact, reason } of ended) {
      for (const listener of this.#options.listeners) listener.deregistered(set, contact, reason, request, answer)
    }
  }

  #apply(canonicalImpu: Impu, change: Change): Applied {
    const applied = this.#table.apply(canonicalImpu, change)
    for (const contact of applied.gone) this.#expiry.unwatch(canonicalImpu, contactKey(contact))
    if (change.kind === 'bound') {
      this.#state.ends.delete(change.contact.impi)
      this.#watchExpiry(canonicalImpu, change.contact)
    } else if (change.kind === 'shortened') {
      this.#expiry.watch(canonicalImpu, contactKey(change), change.expiresAtMs - this.#options.clock.now())
    }
    return applied
  }

  /** Why nothing can be decided about the set now. */
  #unwritable(canonicalImpu: Impu) {
    if (!this.isOwned(canonicalImpu)) return { kind: 'refused', reason: 'not-served-here' } as const
    return this.#log.isAvailable ? undefined : ({ kind: 'refused', reason: 'store-unavailable' } as const)
  }

  /** In one tick. The last record brings the answer: it is there if and only if all are. */
  async #appendAll(
    records: readonly LoggedChange[],
    request?: RegisterRequest,
    answer?: AcceptedAnswer,
  ): Promise<AppendOutcome> {
    const answered = request && answer && { key: request.key, answer }
    const outcomes = await Promise.all(
      records.map((logged, index) => {
        const isLast = index === records.length - 1
        return this.#log.append(isLast ? { ...logged, answered } : logged, request?.traceparent ?? '')
      }),
    )
    return outcomes.find((outcome) => outcome !== 'stored') ?? 'stored'
  }

  #watchExpiry(canonicalImpu: Impu, contact: Contact): void {
    this.#expiry.watch(canonicalImpu, contactKey(contact), contact.expiresAtMs - this.#options.clock.now())
  }

  /** The end of a contact's time is the owner's act: a record, and word to the HSS (decision 4). */
  #expire(canonicalImpu: Impu, key: string): void {
    const { clock } = this.#options
    const contact = this.#table.get(canonicalImpu)?.contacts.get(key)
    if (!contact) return
    // The wall clock may have been set back meanwhile.
    if (isLive(contact, clock.now())) {
      this.#watchExpiry(canonicalImpu, contact)
      return
    }
    if (!this.#log.isAvailable) {
      this.#expiry.watch(canonicalImpu, key, EXPIRY_RETRY_MS)
      return
    }
    const end = this.#end(canonicalImpu, [contact], { reason: 'expired', retryAfterSeconds: 0 })
    void this.#appendAll(end.logged).then((outcome) => {
      if (outcome === 'stored') {
        this.#tellEnded(end.set, end.ended)
        this.#options.watcher.changed({ canonicalImpu, set: end.set, ended: end.ended, isNews: true })
      }
      return this.#tellHss(contact.impi, contact.registeredImpu, 'expired')
    })
  }

  /** The HSS knows registered private identities, not contacts: it hears of the last one. */
  async #tellHss(impi: Impi, impu: Impu, reason: EndReason): Promise<void> {
    // Whose partition is another's by now, of him the other one tells.
    if (!this.#log.isOpen || reason === 'moved' || this.#table.contactsOf(impi).length > 0) return
    await this.#options.onEnded({ impi, impu, reason })
  }
}
