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
  /** Of another partition than was looked at, or that went to another replica meanwhile. */
  | { readonly kind: 'elsewhere'; readonly canonicalImpu: Impu }
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

/** What the directory asks of the registrations of a partition. */
export interface DirectoryRegistrations {
  findByImpu(impu: Impu): RegistrationSet | undefined
  /** Whether this node may speak for the set: it is of this partition, and the partition is ours still. */
  isOwned(canonicalImpu: Impu): boolean
}

export interface DirectoryOptions {
  readonly clock: Clock
  readonly cx: DirectoryCx
  /** How long a profile of an unregistered user is used without asking again. */
  readonly freshMs: number
  /** How long it is used while the HSS is away. */
  readonly staleMs: number
  readonly entriesMax: number
  /** A profile was used beyond its time, since the HSS is away. */
  readonly onStale: () => void
  readonly onSkipped: (skipped: readonly SkippedCriterion[]) => void
}

type Asked = CachedUser | { readonly kind: 'unknown' | 'no-services' | 'unavailable' }

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
  readonly #asking = new Map<Impu, Promise<Asked>>()

  constructor(options: DirectoryOptions) {
    this.#options = options
  }

  /** Looks among the registrations of a partition that this node owns, and beyond them. */
  async find(impu: Impu, registrations: DirectoryRegistrations): Promise<DirectoryEntry> {
    const { clock } = this.#options
    const registered = this.#registered(impu, registrations)
    if (registered) return registered
    const known = this.#users.get(impu)
    const isFresh = known && clock.monotonic() - known.atMs < this.#options.freshMs
    const asked = isFresh ? known : await this.#askOnce(impu, known)
    if ('kind' in asked) return this.#registered(impu, registrations) ?? asked
    return this.#entryOf(asked, registrations)
  }

  async #askOnce(impu: Impu, known: CachedUser | undefined): Promise<Asked> {
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

  async #ask(impu: Impu, known: CachedUser | undefined): Promise<Asked> {
    const { clock, cx, staleMs, onStale, onSkipped } = this.#options
    const found = await cx.locate(impu)
    if (found.kind === 'unregistered') {
      const { canonicalImpu, profile } = found
      const criteria = compileProfile(profile)
      onSkipped(criteria.skipped)
      const user = { canonicalImpu, profile, criteria, atMs: clock.monotonic() }
      this.#keep(impu, user)
      return user
    }
    if (found.kind === 'unavailable' && known && clock.monotonic() - known.atMs < staleMs) {
      onStale()
      return known
    }
    if (found.kind !== 'unavailable') this.#users.delete(impu)
    return { kind: found.kind }
  }

  #registered(impu: Impu, registrations: DirectoryRegistrations): DirectoryEntry | undefined {
    const set = registrations.findByImpu(impu)
    if (!set || liveContacts(set, this.#options.clock.now()).length === 0) return undefined
    return { kind: 'registered', set }
  }

  /** Somebody may have registered while the HSS was asked, and the partition may have gone. */
  #entryOf(user: UnregisteredUser, registrations: DirectoryRegistrations): DirectoryEntry {
    const { canonicalImpu } = user
    if (!registrations.isOwned(canonicalImpu)) return { kind: 'elsewhere', canonicalImpu }
    return this.#registered(canonicalImpu, registrations) ?? { kind: 'unregistered', user }
  }

  #keep(impu: Impu, user: CachedUser): void {
    this.#users.delete(impu)
    this.#users.set(impu, user)
    if (this.#users.size <= this.#options.entriesMax) return
    const oldest = this.#users.keys().next()
    if (!oldest.done) this.#users.delete(oldest.value)
  }
}
