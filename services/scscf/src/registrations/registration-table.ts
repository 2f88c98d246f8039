import type { Impi, Impu } from '@rollcall/core'
import { ServiceProfile } from '@rollcall/proto-gen/cx'
import { compileProfile, type SkippedCriterion } from '../ifc/filter-criteria.ts'
import { type Contact, contactKey, type RegistrationSet } from './registration.ts'

/** A change of one set, as the log has it. */
export type Change =
  | { readonly kind: 'bound'; readonly contact: Contact; readonly profile: ServiceProfile | undefined }
  | { readonly kind: 'removed'; readonly impi: Impi; readonly instance: string }

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

  /** A change without a profile for a set that has none says nothing, and does nothing. */
  apply(canonicalImpu: Impu, change: Change): void {
    if (change.kind === 'removed') {
      this.#remove(canonicalImpu, contactKey(change))
      return
    }
    const known = this.#sets.get(canonicalImpu)
    const profile = change.profile ?? known?.profile
    if (!profile) return
    const { contact } = change
    const key = contactKey(contact)
    const contacts = new Map(known?.contacts)
    // Behind the others: the newest binding last.
    contacts.delete(key)
    contacts.set(key, contact)
    if (known && !change.profile) this.#sets.set(canonicalImpu, { ...known, contacts })
    else this.#put(canonicalImpu, profile, contacts)
    this.#index(key, contact)
  }

  /** Puts a whole set there, as a snapshot has it. */
  restore(canonicalImpu: Impu, profile: ServiceProfile, contacts: readonly Contact[]): void {
    this.#put(canonicalImpu, profile, new Map(contacts.map((contact) => [contactKey(contact), contact])))
    for (const contact of contacts) this.#index(contactKey(contact), contact)
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

  #remove(canonicalImpu: Impu, key: string): void {
    const set = this.#sets.get(canonicalImpu)
    const contact = set?.contacts.get(key)
    if (!set || !contact) return
    const contacts = new Map(set.contacts)
    contacts.delete(key)
    const own = this.#byImpi.get(contact.impi)
    // Of an IMPI that has moved to another set the entry is the other's.
    if (own?.get(key) === contact) own.delete(key)
    if (own?.size === 0) this.#byImpi.delete(contact.impi)
    if (contacts.size > 0) {
      this.#sets.set(canonicalImpu, { ...set, contacts })
      return
    }
    this.#forgetIdentities(set)
    this.#sets.delete(canonicalImpu)
  }

  #forgetIdentities(set: RegistrationSet): void {
    for (const { identity } of set.profile.publicIdentities) {
      if (this.#canonical.get(identity as Impu) === set.canonicalImpu) this.#canonical.delete(identity as Impu)
    }
  }
}

function encode(profile: ServiceProfile): Buffer {
  return Buffer.from(ServiceProfile.encode(profile).finish())
}
