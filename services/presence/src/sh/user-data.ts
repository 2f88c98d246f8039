import { type Clock, type Impu, parseImpu } from '@rollcall/core'
import { listPolicy, type PresencePolicy } from '@rollcall/policy'
import type { UserDataResponse } from '@rollcall/proto-gen/sh'
import { UserDataUnavailableError } from '../errors.ts'

/** What the Presence Server may know of a presentity (TS 29.328 clause 6.1.1). */
export interface UserData {
  /** First sip: identity of the implicit set: what partitions are chosen by. */
  readonly canonical: Impu
  readonly partition: number
  /** Every identity of the set that is not barred. */
  readonly impus: readonly Impu[]
  readonly policy: PresencePolicy
  /** Another one whenever the policy is another. */
  readonly digest: string
}

/** Asks the HSS: UDR/UDA. @throws when there is no answer. */
export type FetchUserData = (impu: Impu, parent: string) => Promise<UserDataResponse>

/** Users remembered: the least recently fetched give way. */
const ENTRIES_MAX = 100_000

interface Entry {
  readonly data: UserData | undefined
  readonly fetchedMs: number
}

/**
 * What the HSS says of users, for some seconds from memory: `freshMs` is how long a change of the profile may take to
 * count. While the HSS cannot be asked, what it said goes on counting for `staleMs`; after that nothing does. That a
 * user is unknown is remembered while fresh, and no longer.
 */
export class UserDataCache {
  readonly #clock: Clock
  readonly #fetch: FetchUserData
  readonly #partitionOf: (canonical: Impu) => number
  readonly #freshMs: number
  readonly #staleMs: number
  readonly #entries = new Map<Impu, Entry>()
  readonly #underWay = new Map<Impu, Promise<UserData | undefined>>()

  constructor(o: {
    readonly clock: Clock
    readonly fetch: FetchUserData
    readonly partitionOf: (canonical: Impu) => number
    readonly freshMs: number
    readonly staleMs: number
  }) {
    this.#clock = o.clock
    this.#fetch = o.fetch
    this.#partitionOf = o.partitionOf
    this.#freshMs = o.freshMs
    this.#staleMs = o.staleMs
  }

  /** What is known without asking: `missing` says that the HSS must be asked. */
  peek(impu: Impu): UserData | 'unknown' | 'missing' {
    const entry = this.#entries.get(impu)
    if (!entry || this.#clock.monotonic() - entry.fetchedMs >= this.#freshMs) return 'missing'
    return entry.data ?? 'unknown'
  }

  /**
   * Asks the HSS, once for all who ask at the same time; undefined: there is no such user.
   *
   * @throws UserDataUnavailableError
   */
  fetch(impu: Impu, parent: string): Promise<UserData | undefined> {
    const underWay = this.#underWay.get(impu)
    if (underWay) return underWay
    const asked = this.#ask(impu, parent).finally(() => this.#underWay.delete(impu))
    this.#underWay.set(impu, asked)
    return asked
  }

  async #ask(impu: Impu, parent: string): Promise<UserData | undefined> {
    try {
      const response = await this.#fetch(impu, parent)
      const data = response.found ? this.#read(response) : undefined
      this.#remember(impu, data)
      return data
    } catch (cause) {
      const entry = this.#entries.get(impu)
      if (entry?.data && this.#clock.monotonic() - entry.fetchedMs < this.#staleMs) return entry.data
      throw new UserDataUnavailableError('the HSS gives no answer', { cause })
    }
  }

  #remember(impu: Impu, data: UserData | undefined): void {
    this.#entries.delete(impu)
    this.#entries.set(impu, { data, fetchedMs: this.#clock.monotonic() })
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= ENTRIES_MAX) break
      this.#entries.delete(oldest)
    }
  }

  #read({ canonicalImpu, impus, presencePolicy }: UserDataResponse): UserData {
    const canonical = parseImpu(canonicalImpu)
    const { defaultAllow, allow, block } = presencePolicy ?? { defaultAllow: false, allow: [], block: [] }
    const options = { defaultAllow, allow: allow.map(parseImpu), block: block.map(parseImpu) }
    return {
      canonical,
      partition: this.#partitionOf(canonical),
      impus: impus.map(parseImpu),
      policy: listPolicy(options),
      digest: JSON.stringify(options),
    }
  }
}
