import { assertNever, type Clock, type Impi, type Impu, type Random, RollcallError } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { newTag } from '@rollcall/sip'
import {
  AnsweredRequests,
  FencedError,
  type LoadedRecord,
  PartitionReleasedError,
  type RequestKey,
  StoreFullError,
  StoreOverloadedError,
  StoreUnavailableError,
} from '@rollcall/store'
import type { SkippedCriterion } from '../ifc/filter-criteria.ts'
import type { AcceptedAnswer, StoreOutcome } from '../registrar/attempt.ts'
import type { RegisterRequest } from '../registrar/register-request.ts'
import type { RegistrarStore } from '../registrar/registrar.ts'
import { isOnOtherInstance } from '../registrar/step.ts'
import { acceptedHeaders, endedHeaders } from './accepted-headers.ts'
import type { EndedRegistration, EndReason } from './ended-registration.ts'
import { ExpiryWatch } from './expiry-watch.ts'
import type { PartitionLog } from './partition-log.ts'
import { RecentEnds } from './recent-ends.ts'
import { decodeRecord, encodeRecord, type LoggedAnswer, type LoggedChange } from './record.ts'
import { type Contact, contactKey, isLive, type RegistrationSet } from './registration.ts'
import { type Change, RegistrationTable } from './registration-table.ts'
import { decodeSnapshotPart, encodeSnapshotPart, type SnapshotPart } from './snapshot-record.ts'

/** A contact whose time is up while the log cannot be written is looked at again after this. */
const EXPIRY_RETRY_MS = 1_000

export interface RegistrationsOptions {
  readonly clock: Clock
  readonly random: Random
  /** Value of the Service-Route header field. */
  readonly serviceRoute: string
  /** Granted at most, and when the UE does not say. */
  readonly expiresSecondsMax: number
  /** How long, and how many, 200s are kept for retransmissions. */
  readonly answers: { readonly retainMs: number; readonly entriesMax: number }
  /** Whether a set belongs to this partition. */
  readonly owns: (canonicalImpu: Impu) => boolean
  /** A registration ended. Resolves when the HSS was told, or will be later. */
  readonly onEnded: (ended: EndedRegistration) => Promise<void>
  readonly onSkipped: (skipped: readonly SkippedCriterion[]) => void
  /** A snapshot could not be written: the one before stays in force, and another is tried later. */
  readonly onSnapshotFailed: (error: RollcallError) => void
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
  readonly #table: RegistrationTable
  readonly #expiry: ExpiryWatch
  readonly #ends = new RecentEnds()
  readonly #answered: AnsweredRequests<AcceptedAnswer>
  /** Answers whose records are on their way to the log. */
  readonly #appending = new Set<LoggedAnswer & { readonly atMs: number }>()
  #log: PartitionLog | undefined

  constructor(options: RegistrationsOptions) {
    const { clock } = options
    this.#options = options
    this.#table = new RegistrationTable(options.onSkipped)
    this.#expiry = new ExpiryWatch(clock, (canonicalImpu, key) => this.#expire(canonicalImpu, key))
    this.#answered = new AnsweredRequests({ ...options.answers, clock })
  }

  /**
   * Takes a record of the log, or of the snapshot before it.
   *
   * @throws RecordUnreadableError
   */
  replay({ record, fromSnapshot }: Pick<LoadedRecord, 'record' | 'fromSnapshot'>): void {
    if (fromSnapshot) this.#restore(decodeSnapshotPart(record))
    else this.#reapply(decodeRecord(record))
  }

  /** The log is loaded: from now on it can be written. */
  open(log: PartitionLog): void {
    this.#log = log
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
    for (const { ended } of this.#ends.recent(nowMs)) {
      if (this.#table.contactsOf(ended.impi).length === 0) void this.#options.onEnded(ended)
    }
  }

  /** Ends nothing by itself any more; what is asked for is decided still. */
  halt(): void {
    this.#expiry.stop()
  }

  /** Makes durable what was decided, and ends. */
  async release(): Promise<void> {
    this.halt()
    const log = this.#log
    await log?.release()
    this.#log = undefined
  }

  /** Ends at once: somebody else owns the partition, or may. */
  drop(): void {
    this.halt()
    this.#log?.drop()
    this.#log = undefined
  }

  /** Whether this process may speak for the set. */
  isOwned(canonicalImpu: Impu): boolean {
    return this.#log !== undefined && this.#options.owns(canonicalImpu)
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
    return this.#answered.find(key)
  }

  /** The set that `impu` belongs to, as long as the partition is ours. */
  findByImpu(impu: Impu): RegistrationSet | undefined {
    return this.#log ? this.#table.findByImpu(impu) : undefined
  }

  boundInstance(impi: Impi): { readonly instance: string; readonly sourceAddress: string } | undefined {
    const nowMs = this.#options.clock.now()
    return this.#table.contactsOf(impi).find((contact) => isLive(contact, nowMs))
  }

  async bind(request: RegisterRequest, profile: ServiceProfile): Promise<StoreOutcome> {
    const { clock, random, serviceRoute } = this.#options
    const canonicalImpu = profile.canonicalImpu as Impu
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return unwritable
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
    const unwritable = this.#unwritable(canonicalImpu)
    if (unwritable) return unwritable
    const changes = ending.map(({ impi, instance }) => ({ kind: 'removed', impi, instance }) as const)
    for (const change of changes) {
      this.#noteEnd(canonicalImpu, change, 'unregistered', nowMs)
      this.#apply(canonicalImpu, change)
    }
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
    if (change.kind === 'bound') {
      this.#ends.delete(change.contact.impi)
      this.#watchExpiry(canonicalImpu, change.contact)
    } else {
      this.#expiry.unwatch(canonicalImpu, contactKey(change))
    }
    return this.#table.get(canonicalImpu)
  }

  /** Why nothing can be decided about the set now. */
  #unwritable(canonicalImpu: Impu): Extract<StoreOutcome, { kind: 'refused' }> | undefined {
    if (!this.isOwned(canonicalImpu)) return { kind: 'refused', reason: 'not-served-here' }
    return this.#log?.isAvailable ? undefined : { kind: 'refused', reason: 'store-unavailable' }
  }

  /**
   * Whether the record is there, memory has it: the log goes on until it knows. Who asked is told only what is certain.
   */
  async #append(logged: LoggedChange, traceparent: string, answer: AcceptedAnswer): Promise<StoreOutcome> {
    const log = this.#log
    if (!log) return { kind: 'refused', reason: 'not-served-here' }
    const kept = logged.answered && { ...logged.answered, atMs: logged.atMs }
    if (kept) this.#appending.add(kept)
    try {
      await log.append(encodeRecord(logged), { traceparent: traceparent === '' ? undefined : traceparent })
      if (kept) this.#answered.remember(kept.key, kept.answer, kept.atMs)
    } catch (error) {
      if (!isStoreAway(error)) throw error
      return { kind: 'refused', reason: this.#log === log && !isTaken(error) ? 'store-unavailable' : 'not-served-here' }
    } finally {
      if (kept) this.#appending.delete(kept)
    }
    if (log.wantsSnapshot) void this.#snapshot(log)
    return { kind: 'accepted', answer }
  }

  /** Everything as it is in this tick; the values do not change, and are written as the log asks for them. */
  async #snapshot(log: PartitionLog): Promise<void> {
    const parts: SnapshotPart[] = this.sets.map(({ canonicalImpu, profile, contacts }) => {
      return { kind: 'set', canonicalImpu, profile, contacts: [...contacts.values()] }
    })
    for (const answered of [...this.#answered.entries(), ...this.#appending]) {
      parts.push({ kind: 'answered', atMs: answered.atMs, answered })
    }
    for (const end of this.#ends.recent(this.#options.clock.now())) parts.push({ kind: 'ended', ...end })
    try {
      await log.snapshot(encodeAll(parts))
    } catch (error) {
      // Who has lost the partition hears of it elsewhere.
      if (!(error instanceof RollcallError) || !error.code.startsWith('STORE_')) throw error
      if (!isTaken(error)) this.#options.onSnapshotFailed(error)
    }
  }

  #restore(part: SnapshotPart): void {
    switch (part.kind) {
      case 'set':
        this.#table.restore(part.canonicalImpu, part.profile, part.contacts)
        return
      case 'answered':
        this.#answered.remember(part.answered.key, part.answered.answer, part.atMs)
        return
      case 'ended':
        this.#ends.add(part.ended, part.atMs, this.#options.clock.now())
        return
      default:
        assertNever(part)
    }
  }

  #reapply(logged: LoggedChange): void {
    const { canonicalImpu, change, atMs, answered, reason } = logged
    if (change.kind === 'bound') this.#ends.delete(change.contact.impi)
    else if (reason) this.#noteEnd(canonicalImpu, change, reason, atMs)
    this.#table.apply(canonicalImpu, change)
    if (answered) this.#answered.remember(answered.key, answered.answer, atMs)
  }

  /** Before the change is applied. */
  #noteEnd(canonicalImpu: Impu, change: Change & { kind: 'removed' }, reason: EndReason, atMs: number): void {
    const contact = this.#table.get(canonicalImpu)?.contacts.get(contactKey(change))
    if (!contact) return
    const ended = { impi: contact.impi, impu: contact.registeredImpu, reason }
    this.#ends.add(ended, atMs, this.#options.clock.now())
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
    if (!this.#log?.isAvailable) {
      this.#expiry.watch(canonicalImpu, key, EXPIRY_RETRY_MS)
      return
    }
    const change = { kind: 'removed', impi: contact.impi, instance: contact.instance } as const
    const atMs = clock.now()
    this.#noteEnd(canonicalImpu, change, 'expired', atMs)
    this.#apply(canonicalImpu, change)
    const logged: LoggedChange = { atMs, canonicalImpu, change, reason: 'expired', answered: undefined }
    void this.#append(logged, '', NO_ANSWER).then(() => this.#tellEnd(contact.impi, contact.registeredImpu, 'expired'))
  }

  /** The HSS knows registered private identities, not contacts: it hears of the last one. */
  async #tellEnd(impi: Impi, impu: Impu, reason: EndReason): Promise<void> {
    // Whose partition is another's by now, of him the other one tells.
    if (!this.#log || this.#table.contactsOf(impi).length > 0) return
    await this.#options.onEnded({ impi, impu, reason })
  }
}

const NO_ANSWER: AcceptedAnswer = { toTag: '', headers: [] }

function contactsToEnd(set: RegistrationSet, { impi, contact }: RegisterRequest): Contact[] {
  return [...set.contacts.values()].filter(
    (bound) => bound.impi === impi && (contact.kind === 'all' || bound.instance === contact.instance),
  )
}

function* encodeAll(parts: readonly SnapshotPart[]): Generator<Buffer> {
  for (const part of parts) yield encodeSnapshotPart(part)
}

/** Somebody else has the partition, or it was handed over. */
function isTaken(error: unknown): boolean {
  return error instanceof FencedError || error instanceof PartitionReleasedError
}

function isStoreAway(error: unknown): boolean {
  return (
    error instanceof StoreUnavailableError ||
    error instanceof StoreFullError ||
    error instanceof StoreOverloadedError ||
    isTaken(error)
  )
}
