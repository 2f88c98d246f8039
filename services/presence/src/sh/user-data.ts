import { assert, type Clock, type Impu } from '@rollcall/core'
import type { UserDataResponse } from '@rollcall/proto-gen/sh'
import { UserDataUnavailableError } from '../errors.ts'
import { readUserData, type UserData } from './read-user-data.ts'
import { UserTable } from './user-table.ts'

export type { UserData } from './read-user-data.ts'

/** Asks the HSS: UDR/UDA. @throws when there is no answer. */
export type FetchUserData = (impu: Impu, parent: string) => Promise<UserDataResponse>

/** An answer that a take-over has made doubtful is asked for again; so often nobody takes over within one question. */
const ASKS_MAX = 4

/**
 * What the HSS says of users, for some seconds from memory: `freshMs` is how long a change that is not pushed may take to
 * count. While the HSS cannot be asked, what it said goes on counting for `staleMs`; after that nothing does. That a user
 * is unknown is remembered while fresh, and no longer.
 *
 * Of one user the highest revision counts, under each of its identities: an answer that was under way when a newer state
 * was pushed changes nothing.
 */
export class UserDataCache {
  readonly #clock: Clock
  readonly #fetch: FetchUserData
  readonly #partitionOf: (canonical: Impu) => number
  readonly #freshMs: number
  readonly #staleMs: number
  readonly #table = new UserTable()
  readonly #underWay = new Map<Impu, Promise<UserData | undefined>>()
  /** Counts pushes and take-overs: what of them happened while a question was under way. */
  #events = 0
  /** By partition: when it was last taken, in events. */
  readonly #forgotten = new Map<number, number>()

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
    const known = this.#table.find(impu)
    if (!known || this.#clock.monotonic() - known.atMs >= this.#freshMs) return 'missing'
    return known.user?.data ?? 'unknown'
  }

  /**
   * Asks the HSS, once for all who ask at the same time; undefined: there is no such user.
   *
   * @throws UserDataUnavailableError
   */
  fetch(impu: Impu, parent: string): Promise<UserData | undefined> {
    const underWay = this.#underWay.get(impu)
    if (underWay) return underWay
    const asked = this.#ask(impu, parent).finally(() => {
      if (this.#underWay.get(impu) === asked) this.#underWay.delete(impu)
    })
    this.#underWay.set(impu, asked)
    return asked
  }

  /** Is anything known of a user since its partition was taken? */
  knows(canonical: Impu): boolean {
    return this.#table.has(canonical)
  }

  /** Takes in what the HSS pushed, and gives what counts now: that, or something newer that was known already. */
  learn(data: UserData): UserData {
    this.#events += 1
    return this.#table.store(data.impus, data, this.#clock.monotonic(), this.#events).data
  }

  /**
   * Forgets the users of a partition that is being taken, and what is being asked about them: its owner until now may have
   * been pushed something that this process was not.
   */
  forgetPartition(partition: number): void {
    this.#events += 1
    this.#forgotten.set(partition, this.#events)
    this.#table.forgetPartition(partition)
    // Whoever asks from now on must not be answered by a question that was put before.
    this.#underWay.clear()
  }

  async #ask(impu: Impu, parent: string): Promise<UserData | undefined> {
    for (let asks = 0; asks < ASKS_MAX; asks++) {
      const since = this.#events
      const response = await this.#fetch(impu, parent).catch((error: unknown) => new NoAnswer(error))
      if (response instanceof NoAnswer) return this.#lastWord(impu, response.cause)
      // guard: unknown-user — who is nobody’s user has no policy, and is not served
      if (!response.found) return this.#unknown(impu, since)
      const data = this.#read(response)
      // guard: user-data-forgotten — an answer from before the partition was taken may be older than what was in force there
      if ((this.#forgotten.get(data.partition) ?? 0) > since) continue
      const pushed = this.#pushedSince(impu, since)
      // The identity may be another user's by now: revisions of all users are of one sequence.
      if (pushed && pushed.revision > data.revision) return pushed
      return this.#table.store([impu], data, this.#clock.monotonic(), since).data
    }
    throw new UserDataUnavailableError('the partition is taken again and again')
  }

  /** There is no such user, unless one was pushed meanwhile. */
  #unknown(impu: Impu, since: number): UserData | undefined {
    const pushed = this.#pushedSince(impu, since)
    if (pushed) return pushed
    this.#table.storeUnknown(impu, this.#clock.monotonic())
    return undefined
  }

  #pushedSince(impu: Impu, since: number): UserData | undefined {
    const user = this.#table.find(impu)?.user
    return user && user.learntAt > since ? user.data : undefined
  }

  #lastWord(impu: Impu, cause: unknown): UserData {
    const known = this.#table.find(impu)
    if (known?.user && this.#clock.monotonic() - known.atMs < this.#staleMs) return known.user.data
    throw new UserDataUnavailableError('the HSS gives no answer', { cause })
  }

  #read(response: UserDataResponse): UserData {
    try {
      return readUserData(response, this.#partitionOf)
    } catch (cause) {
      throw new UserDataUnavailableError('the HSS gives no usable answer', { cause })
    }
  }
}

class NoAnswer {
  readonly cause: unknown

  constructor(cause: unknown) {
    assert(cause !== undefined, 'there is a reason')
    this.cause = cause
  }
}
