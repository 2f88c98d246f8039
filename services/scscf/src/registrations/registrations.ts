import type { Clock, Impi, Impu, Random, Timer } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { newTag } from '@rollcall/sip'
import {
  FencedError,
  type LoadedRecord,
  PartitionReleasedError,
  type RequestKey,
  StoreFullError,
  StoreUnavailableError,
} from '@rollcall/store'
import type { SkippedCriterion } from '../ifc/filter-criteria.ts'
import type { AcceptedAnswer, StoreOutcome } from '../registrar/attempt.ts'
import type { RegisterRequest } from '../registrar/register-request.ts'
import type { RegistrarStore } from '../registrar/registrar.ts'
import { isOnOtherInstance } from '../registrar/step.ts'
import { acceptedHeaders, endedHeaders } from './accepted-headers.ts'
import { PartitionOwner, type PartitionSource } from './partition-owner.ts'
import { decodeRecord, type EndReason, encodeRecord, type LoggedChange } from './record.ts'
import { type Contact, contactKey, isLive, type RegistrationSet } from './registration.ts'
import { type Change, RegistrationTable } from './registration-table.ts'

/** A contact whose time is up while the log cannot be written is looked at again after this. */
const EXPIRY_RETRY_MS = 1_000

/** The HSS is told again, after a restart, of contacts that ended so recently that it may not have heard. */
const RECENT_END_MS = 300_000

/** The end of a private identity's registration, as the HSS must hear of it. */
export interface EndedRegistration {
  readonly impi: Impi
  readonly impu: Impu
  readonly reason: EndReason
}

export interface RegistrationsOptions {
  readonly clock: Clock
  readonly random: Random
  /** Value of the Service-Route header field. */
  readonly serviceRoute: string
  /** Granted at most, and when the UE does not say. */
  readonly expiresSecondsMax: number
  /** A registration ended. Resolves when the HSS was told, or will be later. */
  readonly onEnded: (ended: EndedRegistration) => Promise<void>
  /** A REGISTER was answered before this process began: its answer is in the log. */
  readonly onAnswered: (key: RequestKey, answer: AcceptedAnswer, atMs: number) => void
  readonly onLost: (partition: number) => void
  readonly onSkipped: (skipped: readonly SkippedCriterion[]) => void
}

/**
 * The registrations: memory that the log backs. A change is decided and applied at once, appended in the same tick, and
 * answered when the append is acknowledged; a log that cannot be written is found out before anything is decided.
 */
export class Registrations implements RegistrarStore {
  readonly #options: RegistrationsOptions
  readonly #table: RegistrationTable
  readonly #partitions = new PartitionOwner()
  readonly #timers = new Map<string, Timer>()
  readonly #recentlyEnded = new Map<Impi, EndedRegistration>()

  constructor(options: RegistrationsOptions) {
    this.#options = options
    this.#table = new RegistrationTable(options.onSkipped)
  }

  /**
   * Takes the partitions and loads what is in them. Contacts whose time ran out meanwhile end now.
   *
   * @throws what the store throws; RecordUnreadableError
   */
  async load(source: PartitionSource): Promise<void> {
    await this.#partitions.takeAll(
      source,
      (loaded) => this.#replay(loaded),
      (partition) => this.#lose(partition),
    )
    for (const set of this.#table.sets()) {
      for (const contact of set.contacts.values()) this.#watchExpiry(set.canonicalImpu, contact)
    }
    for (const ended of this.#recentlyEnded.values()) {
      if (this.#table.contactsOf(ended.impi).length === 0) void this.#options.onEnded(ended)
    }
    this.#recentlyEnded.clear()
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
    await this.#partitions.releaseAll()
  }

  /** Whether this process owns every partition. */
  get isWhole(): boolean {
    return this.#partitions.isWhole
  }

  get sets(): readonly RegistrationSet[] {
    return [...this.#table.sets()]
  }

  findByImpu(impu: Impu): RegistrationSet | undefined {
    return this.#table.findByImpu(impu)
  }

  isOwned(canonicalImpu: Impu): boolean {
    return this.#partitions.logOf(canonicalImpu) !== undefined
  }

  boundInstance(impi: Impi): { readonly instance: string; readonly sourceAddress: string } | undefined {
    const nowMs = this.#options.clock.now()
    return this.#table.contactsOf(impi).find((contact) => isLive(contact, nowMs))
  }

  async bind(request: RegisterRequest, profile: ServiceProfile): Promise<StoreOutcome> {
    const { clock, random, serviceRoute } = this.#options
    const canonicalImpu = profile.canonicalImpu as Impu
    const log = this.#partitions.logOf(canonicalImpu)
    if (!log?.isAvailable) return { kind: 'refused', reason: 'store-unavailable' }
    if (isOnOtherInstance(request, this.boundInstance(request.impi))) {
      return { kind: 'refused', reason: 'other-instance' }
    }
    const nowMs = clock.now()
    const contact = this.#contactOf(request, nowMs)
    if (!contact) return { kind: 'refused', reason: 'malformed' }
    const known = this.#table.get(canonicalImpu)?.contacts.get(contactKey(contact))
    if (known && known.callId === contact.callId && known.cseq >= contact.cseq) {
      return { kind: 'refused', reason: 'out-of-order' }
    }
    const change: Change = {
      kind: 'bound',
      contact,
      profile: this.#table.needsProfile(canonicalImpu, profile) ? profile : undefined,
    }
    const set = this.#apply(canonicalImpu, change)
    if (!set) return { kind: 'refused', reason: 'store-unavailable' }
    const answer = { toTag: newTag(random), headers: acceptedHeaders(set, contact, { nowMs, serviceRoute }) }
    const answered = { key: request.key, answer }
    const logged = { atMs: nowMs, canonicalImpu, change, reason: undefined, answered }
    return await this.#append(logged, request.traceparent, answer)
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
    const log = this.#partitions.logOf(canonicalImpu)
    if (!log?.isAvailable) return { kind: 'refused', reason: 'store-unavailable' }
    const changes = ending.map(({ impi, instance }): Change => ({ kind: 'removed', impi, instance }))
    for (const change of changes) this.#apply(canonicalImpu, change)
    const answer = { toTag: newTag(random), headers: endedHeaders(this.#table.get(canonicalImpu), nowMs) }
    const outcomes = await Promise.all(
      changes.map((change, index) => {
        // The last one brings the answer: it is there if and only if all are.
        const answered = index === changes.length - 1 ? { key: request.key, answer } : undefined
        const logged: LoggedChange = { atMs: nowMs, canonicalImpu, change, reason: 'unregistered', answered }
        return this.#append(logged, request.traceparent, answer)
      }),
    )
    const refused = outcomes.find(({ kind }) => kind === 'refused')
    if (refused) return refused
    await this.#tellEnd(request.impi, request.impu, 'unregistered')
    return { kind: 'accepted', answer }
  }

  #contactOf(request: RegisterRequest, nowMs: number): Contact | undefined {
    const { contact } = request
    if (contact.kind !== 'one') return undefined
    const { expiresSecondsMax } = this.#options
    const grantedSeconds = Math.min(request.expiresSeconds ?? expiresSecondsMax, expiresSecondsMax)
    return {
      impi: request.impi,
      instance: contact.instance,
      value: contact.value,
      path: request.path,
      registeredImpu: request.impu,
      callId: request.callId,
      cseq: request.cseq,
      expiresAtMs: nowMs + grantedSeconds * 1_000,
      sourceAddress: request.source.host,
    }
  }

  #apply(canonicalImpu: Impu, change: Change): RegistrationSet | undefined {
    this.#table.apply(canonicalImpu, change)
    if (change.kind === 'bound') this.#watchExpiry(canonicalImpu, change.contact)
    else this.#unwatch(canonicalImpu, contactKey(change))
    return this.#table.get(canonicalImpu)
  }

  /**
   * Whether the record is there, memory has it: the log goes on until it knows. Who asked is told only what is certain.
   */
  async #append(logged: LoggedChange, traceparent: string, answer: AcceptedAnswer): Promise<StoreOutcome> {
    const log = this.#partitions.logOf(logged.canonicalImpu)
    try {
      await log?.append(encodeRecord(logged), { traceparent: traceparent === '' ? undefined : traceparent })
    } catch (error) {
      if (isStoreAway(error)) return { kind: 'refused', reason: 'store-unavailable' }
      throw error
    }
    return log ? { kind: 'accepted', answer } : { kind: 'refused', reason: 'store-unavailable' }
  }

  #replay({ record }: LoadedRecord): void {
    const logged = decodeRecord(record)
    const { canonicalImpu, change, atMs, answered, reason } = logged
    if (change.kind === 'removed' && reason && atMs > this.#options.clock.now() - RECENT_END_MS) {
      const ended = this.#table.get(canonicalImpu)?.contacts.get(contactKey(change))
      if (ended) this.#recentlyEnded.set(ended.impi, { impi: ended.impi, impu: ended.registeredImpu, reason })
    }
    this.#table.apply(canonicalImpu, change)
    if (answered) this.#options.onAnswered(answered.key, answered.answer, atMs)
  }

  #watchExpiry(canonicalImpu: Impu, contact: Contact): void {
    const { clock } = this.#options
    this.#watch(canonicalImpu, contactKey(contact), Math.max(0, contact.expiresAtMs - clock.now()))
  }

  #watch(canonicalImpu: Impu, key: string, delayMs: number): void {
    const name = timerName(canonicalImpu, key)
    this.#timers.get(name)?.cancel()
    this.#timers.set(
      name,
      this.#options.clock.setTimer(delayMs, () => this.#expire(canonicalImpu, key)),
    )
  }

  #unwatch(canonicalImpu: Impu, key: string): void {
    const name = timerName(canonicalImpu, key)
    this.#timers.get(name)?.cancel()
    this.#timers.delete(name)
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
    if (!this.#partitions.logOf(canonicalImpu)?.isAvailable) {
      this.#watch(canonicalImpu, key, EXPIRY_RETRY_MS)
      return
    }
    const change: Change = { kind: 'removed', impi: contact.impi, instance: contact.instance }
    this.#apply(canonicalImpu, change)
    const logged: LoggedChange = {
      atMs: clock.now(),
      canonicalImpu,
      change,
      reason: 'expired',
      answered: undefined,
    }
    void this.#append(logged, '', NO_ANSWER).then(() => this.#tellEnd(contact.impi, contact.registeredImpu, 'expired'))
  }

  /** The HSS knows registered private identities, not contacts: it hears of the last one. */
  async #tellEnd(impi: Impi, impu: Impu, reason: EndReason): Promise<void> {
    if (this.#table.contactsOf(impi).length === 0) await this.#options.onEnded({ impi, impu, reason })
  }

  /** Somebody else owns the partition now: what we know of it is worth nothing any more. */
  #lose(partition: number): void {
    for (const set of [...this.#table.sets()]) {
      if (this.#partitions.partitionOf(set.canonicalImpu) !== partition) continue
      for (const key of set.contacts.keys()) this.#unwatch(set.canonicalImpu, key)
      this.#table.drop(set.canonicalImpu)
    }
    this.#options.onLost(partition)
  }
}

const NO_ANSWER: AcceptedAnswer = { toTag: '', headers: [] }

function contactsToEnd(set: RegistrationSet, { impi, contact }: RegisterRequest): Contact[] {
  return [...set.contacts.values()].filter(
    (bound) => bound.impi === impi && (contact.kind === 'all' || bound.instance === contact.instance),
  )
}

function timerName(canonicalImpu: Impu, key: string): string {
  return `${canonicalImpu} ${key}`
}

function isStoreAway(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError ||
    error instanceof StoreFullError ||
    error instanceof FencedError ||
    error instanceof PartitionReleasedError
  )
}
