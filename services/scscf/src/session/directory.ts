import type { Clock, Impu } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import { compileProfile, type FilterCriteria, type SkippedCriterion } from '../ifc/filter-criteria.ts'
import { liveContacts, type RegistrationSet } from '../registrations/registration.ts'

/** What is known of a user to whom a request goes. */
export interface UnregisteredUser {
  readonly canonicalImpu: Impu
  readonly profile: ServiceProfile
  readonly criteria: FilterCriteria
}

/** Who a public identity is, for terminating procedures. */
export type DirectoryEntry =
  | { readonly kind: 'registered'; readonly set: RegistrationSet }
  | { readonly kind: 'unregistered'; readonly user: UnregisteredUser }
  | { readonly kind: 'unknown' | 'no-services' | 'unavailable' }

/** What the directory asks of the HSS. It does not reject. */
export interface DirectoryCx {
  /** LIR and SAR (UNREGISTERED_USER). */
  locate(
    impu: Impu,
  ): Promise<
    | { readonly kind: 'unregistered'; readonly canonicalImpu: Impu; readonly profile: ServiceProfile }
    | { readonly kind: 'unknown' | 'no-services' | 'unavailable' }
  >
}

/** What the directory asks of the registrations. */
export interface DirectoryRegistrations {
  findByImpu(impu: Impu): RegistrationSet | undefined
  /** Whether this node may speak for the set: it owns the partition, and the log can be written. */
  isOwned(canonicalImpu: Impu): boolean
}

export interface DirectoryOptions {
  readonly clock: Clock
  readonly cx: DirectoryCx
  readonly registrations: DirectoryRegistrations
  /** How long a profile of an unregistered user is used without asking again. */
  readonly freshMs: number
  /** How long it is used while the HSS is away. */
  readonly staleMs: number
  readonly entriesMax: number
  /** A profile was used beyond its time, since the HSS is away. */
  readonly onStale: () => void
  readonly onSkipped: (skipped: readonly SkippedCriterion[]) => void
}

interface CachedUser extends UnregisteredUser {
  readonly atMs: number
}

/**
 * Finds who a public identity is: among the registrations first, else at the HSS. Profiles of unregistered users are kept
 * for a while and, when the HSS is away, longer: established users are served on, whatever the HSS does.
 *
 * @see TS 24.229 clauses 5.3.2.1 and 5.4.3.3
 */
export class Directory {
  readonly #options: DirectoryOptions
  readonly #users = new Map<Impu, CachedUser>()
  readonly #asking = new Map<Impu, Promise<DirectoryEntry>>()

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  async find(impu: Impu): Promise<DirectoryEntry> {
    const { clock } = this.#options
    const registered = this.#registered(impu)
    if (registered) return registered
    const known = this.#users.get(impu)
    if (known && clock.monotonic() - known.atMs < this.#options.freshMs) return this.#entryOf(known)
    const asking = this.#asking.get(impu)
    if (asking) return await asking
    const answer = this.#ask(impu, known)
    this.#asking.set(impu, answer)
    try {
      return await answer
    } finally {
      this.#asking.delete(impu)
    }
  }

  async #ask(impu: Impu, known: CachedUser | undefined): Promise<DirectoryEntry> {
    const { clock, cx, staleMs, onStale, onSkipped } = this.#options
    const found = await cx.locate(impu)
    // Somebody may have registered while the HSS was asked.
    const registered = this.#registered(impu)
    if (registered) return registered
    if (found.kind === 'unregistered') {
      const { canonicalImpu, profile } = found
      const criteria = compileProfile(profile)
      onSkipped(criteria.skipped)
      const user = { canonicalImpu, profile, criteria, atMs: clock.monotonic() }
      this.#keep(impu, user)
      return this.#entryOf(user)
    }
    if (found.kind === 'unavailable' && known && clock.monotonic() - known.atMs < staleMs) {
      onStale()
      return this.#entryOf(known)
    }
    if (found.kind !== 'unavailable') this.#users.delete(impu)
    return { kind: found.kind }
  }

  #registered(impu: Impu): DirectoryEntry | undefined {
    const set = this.#options.registrations.findByImpu(impu)
    if (!set || liveContacts(set, this.#options.clock.now()).length === 0) return undefined
    return { kind: 'registered', set }
  }

  /** Another identity of the set may have led here; and whose partition is not ours, of him we know nothing. */
  #entryOf(user: UnregisteredUser): DirectoryEntry {
    if (!this.#options.registrations.isOwned(user.canonicalImpu)) return { kind: 'unavailable' }
    return this.#registered(user.canonicalImpu) ?? { kind: 'unregistered', user }
  }

  #keep(impu: Impu, user: CachedUser): void {
    this.#users.delete(impu)
    this.#users.set(impu, user)
    if (this.#users.size <= this.#options.entriesMax) return
    const oldest = this.#users.keys().next()
    if (!oldest.done) this.#users.delete(oldest.value)
  }
}
