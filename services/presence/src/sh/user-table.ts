import type { Impu } from '@rollcall/core'
import type { UserData } from './read-user-data.ts'

/** Identities remembered: those that were stored the longest ago give way. */
const IDENTITIES_MAX = 100_000

/** A user, shared by all of its identities. */
interface KnownUser {
  readonly data: UserData
  /** In the caller's count of events: when this data was stored. */
  readonly learntAt: number
}

interface Identity {
  /** Undefined: there is no such user. */
  readonly canonical: Impu | undefined
  readonly atMs: number
}

/**
 * Users by their identities. An identity that was asked about, a barred one too, leads to the one entry of its user, so
 * that no identity can have an older policy than another.
 */
export class UserTable {
  readonly #identities = new Map<Impu, Identity>()
  readonly #users = new Map<Impu, KnownUser>()
  /** Identities that lead to a user: with the last of them it goes. */
  readonly #identitiesOf = new Map<Impu, Set<Impu>>()
  readonly #byPartition = new Map<number, Set<Impu>>()

  /** What is known of an identity, and since when (monotonic). */
  find(impu: Impu): { readonly user: KnownUser | undefined; readonly atMs: number } | undefined {
    const identity = this.#identities.get(impu)
    if (!identity) return undefined
    const user = identity.canonical === undefined ? undefined : this.#users.get(identity.canonical)
    return { user, atMs: identity.atMs }
  }

  has(canonical: Impu): boolean {
    return this.#users.has(canonical)
  }

  /** Stores what is known of a user now, under `impus`; gives what counts: this, or a higher revision from before. */
  store(impus: readonly Impu[], data: UserData, atMs: number, learntAt: number): KnownUser {
    const { canonical, partition } = data
    const before = this.#users.get(canonical)
    // guard: policy-revision — an answer or a push that was overtaken must not bring an older policy back
    const isNewer = !before || data.revision >= before.data.revision
    const user = isNewer ? { data, learntAt } : before
    this.#users.set(canonical, user)
    setOf(this.#byPartition, partition).add(canonical)
    for (const impu of impus) this.#lead(impu, { canonical, atMs })
    this.#evict()
    return user
  }

  storeUnknown(impu: Impu, atMs: number): void {
    this.#lead(impu, { canonical: undefined, atMs })
    this.#evict()
  }

  forgetPartition(partition: number): void {
    for (const canonical of this.#byPartition.get(partition) ?? []) {
      for (const impu of this.#identitiesOf.get(canonical) ?? []) this.#identities.delete(impu)
      this.#identitiesOf.delete(canonical)
      this.#users.delete(canonical)
    }
    this.#byPartition.delete(partition)
  }

  #lead(impu: Impu, identity: Identity): void {
    this.#remove(impu, identity.canonical)
    this.#identities.set(impu, identity)
    if (identity.canonical !== undefined) setOf(this.#identitiesOf, identity.canonical).add(impu)
  }

  #evict(): void {
    for (const oldest of this.#identities.keys()) {
      if (this.#identities.size <= IDENTITIES_MAX) break
      this.#remove(oldest, undefined)
    }
  }

  /** Removes an identity, and its user when no other leads to it and it is not `kept`. */
  #remove(impu: Impu, kept: Impu | undefined): void {
    const canonical = this.#identities.get(impu)?.canonical
    this.#identities.delete(impu)
    if (canonical === undefined || canonical === kept) return
    const identities = this.#identitiesOf.get(canonical)
    identities?.delete(impu)
    if (identities && identities.size > 0) return
    this.#identitiesOf.delete(canonical)
    const partition = this.#users.get(canonical)?.data.partition
    this.#users.delete(canonical)
    if (partition !== undefined) this.#byPartition.get(partition)?.delete(canonical)
  }
}

function setOf<K>(sets: Map<K, Set<Impu>>, key: K): Set<Impu> {
  const known = sets.get(key)
  if (known) return known
  const fresh = new Set<Impu>()
  sets.set(key, fresh)
  return fresh
}
