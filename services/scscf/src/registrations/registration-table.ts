import type { Impi, Impu } from '@rollcall/core'
import { ServiceProfile } from '@rollcall/proto-gen/cx'
import { compileProfile, type SkippedCriterion } from '../ifc/filter-criteria.ts'
import { type Contact, contactKey, type RegistrationSet } from './registration.ts'

/** A change of one set, as the log has it. */
export type Change =
  | { readonly kind: 'bound'; readonly contact: Contact; readonly profile: ServiceProfile | undefined }
  | RemovedChange
  | {
      readonly kind: 'shortened'
      readonly impi: Impi
      readonly instance: string
      readonly uri: string
      readonly expiresAtMs: number
    }
  /** Of a set that has contacts. */
  | { readonly kind: 'profile'; readonly profile: ServiceProfile }

/** An empty `uri` means every contact of the instance. */
export interface RemovedChange {
  readonly kind: 'removed'
  readonly impi: Impi
  readonly instance: string
  readonly uri: string
  /** After a `probation`. */
  readonly retryAfterSeconds: number
}

/** What a change did. */
export interface Applied {
  /** The set afterwards; without contacts when there is none any more. */
  readonly set: RegistrationSet | undefined
  readonly gone: readonly Contact[]
}

const NOTHING: Applied = { set: undefined, gone: [] }

/**
 * The registrations in memory, found by any identity of the set or by IMPI. It changes by `apply` alone, with the same
 * changes whether they are made now or read from the log, so that a restart ends where the process before it was.
 *
 * A set never changes: another takes its place. Who holds one, a request on its way or a snapshot, holds what it was then.
 */
export class RegistrationTable {
  readonly #sets = new Map<Impu, RegistrationSet>()
  readonly #canonical = new Map<Impu, Impu>()
  readonly #byImpi = new Map<Impi, Map<string, Contact>>()
  readonly #onSkipped: (skipped: readonly SkippedCriterion[]) => void

  /** `onSkipped` hears of filter criteria that cannot be evaluated. */
  constructor(onSkipped: (skipped: readonly SkippedCriterion[]) => void = () => {}) {
    this.#onSkipped = onSkipped
  }

  /** Sets with a contact at least. */
  get size(): number {
    return this.#sets.size
  }

  sets(): IterableIterator<RegistrationSet> {
    return this.#sets.values()
  }

  /** The set that `impu` belongs to, if a contact is bound. */
  findByImpu(impu: Impu): RegistrationSet | undefined {
    return this.#sets.get(this.#canonical.get(impu) ?? impu)
  }

  /** The contacts of a private identity. */
  contactsOf(impi: Impi): readonly Contact[] {
    return [...(this.#byImpi.get(impi)?.values() ?? [])]
  }

  get(canonicalImpu: Impu): RegistrationSet | undefined {
    return this.#sets.get(canonicalImpu)
  }

  /** Whether a record of this change must hold the profile: the set does not have it yet, or has another one. */
  needsProfile(canonicalImpu: Impu, profile: ServiceProfile): boolean {
    const known = this.#sets.get(canonicalImpu)?.profile
    return !known || !encode(known).equals(encode(profile))
  }

  /** A change of what is not there says nothing, and does nothing. */
  apply(canonicalImpu: Impu, change: Change): Applied {
    switch (change.kind) {
      case 'bound':
        return this.#bind(canonicalImpu, change.contact, change.profile)
      case 'removed':
        return this.#remove(canonicalImpu, (contact) => isMeant(contact, change))
      case 'shortened':
        return this.#shorten(canonicalImpu, contactKey(change), change.expiresAtMs)
      case 'profile': {
        const known = this.#sets.get(canonicalImpu)
        if (known) this.#put(canonicalImpu, change.profile, known.contacts)
        return { set: this.#sets.get(canonicalImpu), gone: [] }
      }
    }
  }

  /** Puts a whole set there, as a snapshot has it. */
  restore(canonicalImpu: Impu, profile: ServiceProfile, contacts: readonly Contact[]): void {
    this.#put(canonicalImpu, profile, new Map(contacts.map((contact) => [contactKey(contact), contact])))
    for (const contact of contacts) this.#index(contactKey(contact), contact)
  }

  /**
   * What one REGISTER names is what its instance has: contacts that the instance bound by another REGISTER give way
   * (TS 24.229 clause 5.4.1.2.2F, without the outbound extension).
   */
  #bind(canonicalImpu: Impu, contact: Contact, given: ServiceProfile | undefined): Applied {
    const before = this.#sets.get(canonicalImpu)
    const profile = given ?? before?.profile
    if (!profile) return NOTHING
    const key = contactKey(contact)
    const { gone } = this.#remove(canonicalImpu, (other) => {
      const isOfOtherRegister = other.callId !== contact.callId || other.cseq !== contact.cseq
      return isSameInstance(other, contact) && contactKey(other) !== key && isOfOtherRegister
    })
    // Where the last one gave way the set is made anew.
    const known = this.#sets.get(canonicalImpu)
    const contacts = new Map(known?.contacts)
    // Behind the others: the newest binding last.
    contacts.delete(key)
    contacts.set(key, contact)
    if (known && !given) this.#sets.set(canonicalImpu, { ...known, contacts })
    else this.#put(canonicalImpu, profile, contacts)
    this.#index(key, contact)
    return { set: this.#sets.get(canonicalImpu), gone }
  }

  #shorten(canonicalImpu: Impu, key: string, expiresAtMs: number): Applied {
    const set = this.#sets.get(canonicalImpu)
    const contact = set?.contacts.get(key)
    if (!set || !contact) return NOTHING
    const shortened: Contact = { ...contact, expiresAtMs, state: 'shortened' }
    const changed = { ...set, contacts: new Map(set.contacts).set(key, shortened) }
    this.#sets.set(canonicalImpu, changed)
    this.#index(key, shortened)
    return { set: changed, gone: [] }
  }

  #index(key: string, contact: Contact): void {
    const own = this.#byImpi.get(contact.impi) ?? new Map<string, Contact>()
    own.set(key, contact)
    this.#byImpi.set(contact.impi, own)
  }

  #put(canonicalImpu: Impu, profile: ServiceProfile, contacts: ReadonlyMap<string, Contact>): void {
    const known = this.#sets.get(canonicalImpu)
    if (known) this.#forgetIdentities(known)
    const criteria = compileProfile(profile)
    this.#onSkipped(criteria.skipped)
    this.#sets.set(canonicalImpu, { canonicalImpu, profile, criteria, contacts })
    for (const { identity } of profile.publicIdentities) this.#canonical.set(identity as Impu, canonicalImpu)
  }

  #remove(canonicalImpu: Impu, isGoing: (contact: Contact) => boolean): Applied {
    const set = this.#sets.get(canonicalImpu)
    const gone = set ? [...set.contacts.values()].filter(isGoing) : []
    if (!set || gone.length === 0) return { set, gone: [] }
    const contacts = new Map(set.contacts)
    for (const contact of gone) {
      contacts.delete(contactKey(contact))
      this.#unindex(contact)
    }
    const left = { ...set, contacts }
    if (contacts.size > 0) this.#sets.set(canonicalImpu, left)
    else {
      this.#forgetIdentities(set)
      this.#sets.delete(canonicalImpu)
    }
    return { set: left, gone }
  }

  /** Of an IMPI that has moved to another set the entry is the other's. */
  #unindex(contact: Contact): void {
    const own = this.#byImpi.get(contact.impi)
    const key = contactKey(contact)
    if (own?.get(key) === contact) own.delete(key)
    if (own?.size === 0) this.#byImpi.delete(contact.impi)
  }

  #forgetIdentities(set: RegistrationSet): void {
    for (const { identity } of set.profile.publicIdentities) {
      if (this.#canonical.get(identity as Impu) === set.canonicalImpu) this.#canonical.delete(identity as Impu)
    }
  }
}

function isSameInstance(one: Pick<Contact, 'impi' | 'instance'>, other: Pick<Contact, 'impi' | 'instance'>): boolean {
  return one.impi === other.impi && one.instance === other.instance
}

function isMeant(contact: Contact, change: RemovedChange): boolean {
  return isSameInstance(contact, change) && (change.uri === '' || change.uri === contact.uri)
}

function encode(profile: ServiceProfile): Buffer {
  return Buffer.from(ServiceProfile.encode(profile).finish())
}
