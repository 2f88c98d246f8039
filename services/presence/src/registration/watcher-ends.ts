import type { Clock, Impu } from '@rollcall/core'
import { RpcError } from '@rollcall/runtime'
import { PartitionLostError } from '../errors.ts'

/** What there was to end, ended or not, is known by then; the S-CSCF asks again after a 503. */
const BUDGET_MS_MAX = 4_000
/** One question to a replica; then it is looked again who serves what. */
const ASK_MS_MAX = 2_000
/** Looked at again after this when nobody says that anything changed. */
const LOOK_MS = 100
/** De-registrations whose watchers are looked for at once: each asks every partition. */
const UNDER_WAY_MAX = 512

/** A watcher who is not registered any more. */
export interface GoneWatcher {
  /** All that it is called. */
  readonly impus: readonly Impu[]
  /** What it subscribed to after this stays. */
  readonly beforeMs: number
}

/** Serves a partition here. */
export interface WatchedOwner {
  /** Resolves when it is durable. @throws PartitionLostError */
  endWatcher(impus: readonly Impu[], beforeMs: number): Promise<number>
}

/** Where partitions are served. */
export interface WatchedDirectory {
  readonly count: number
  ownerOf(partition: number): WatchedOwner | undefined
  /** The gRPC target of another replica that serves it; undefined when it is here, or nowhere now. */
  targetOf(partition: number): string | undefined
  /** Calls `listener` whenever one of these may answer otherwise than before, until the returned function is called. */
  onChange(listener: () => void): () => void
}

/** In which partitions it is done, and how many subscriptions that were. */
export interface EndedWatcher {
  readonly partitions: readonly number[]
  readonly subscriptions: number
}

/** Asks another replica. @throws RpcError */
export type AskReplica = (
  target: string,
  watcher: GoneWatcher,
  partitions: readonly number[],
  deadlineMs: number,
) => Promise<EndedWatcher>

const NOTHING: EndedWatcher = { partitions: [], subscriptions: 0 }

/**
 * Ends all that a watcher has subscribed to, wherever that is: subscriptions are where their presentities are, so each
 * partition's owner is asked, here or at another replica. To do so twice does no harm.
 *
 * @see TS 24.229 clause 5.7.1.1
 */
export class WatcherEnds {
  readonly #clock: Clock
  readonly #directory: WatchedDirectory
  readonly #ask: AskReplica
  #underWay = 0

  constructor(o: { readonly clock: Clock; readonly directory: WatchedDirectory; readonly ask: AskReplica }) {
    this.#clock = o.clock
    this.#directory = o.directory
    this.#ask = o.ask
  }

  /** Gives the number of subscriptions when it is durable in every partition; undefined when it is not, within `budgetMs`. */
  async endEverywhere(watcher: GoneWatcher, budgetMs: number): Promise<number | undefined> {
    // guard: watcher-ends-max — a storm of de-registrations waits at the S-CSCF, not here
    if (this.#underWay >= UNDER_WAY_MAX) return undefined
    this.#underWay += 1
    try {
      return await this.#round(watcher, this.#clock.monotonic() + Math.min(budgetMs, BUDGET_MS_MAX))
    } finally {
      this.#underWay -= 1
    }
  }

  /** The part of another replica's question that concerns partitions served here. */
  async endHere(watcher: GoneWatcher, partitions: readonly number[]): Promise<EndedWatcher> {
    const parts = await Promise.all(partitions.map((partition) => this.#endAt(partition, watcher)))
    return together(parts)
  }

  async #round(watcher: GoneWatcher, untilMs: number): Promise<number | undefined> {
    const left = new Set(Array.from({ length: this.#directory.count }, (_, partition) => partition))
    let subscriptions = 0
    for (;;) {
      const leftMs = untilMs - this.#clock.monotonic()
      if (leftMs <= 0) return undefined
      const ended = await this.#within(Math.min(leftMs, ASK_MS_MAX), (askMs) => this.#askAll(left, watcher, askMs))
      subscriptions += ended.subscriptions
      for (const partition of ended.partitions) left.delete(partition)
      if (left.size === 0) return subscriptions
      if (this.#clock.monotonic() < untilMs) await this.#park(LOOK_MS)
    }
  }

  /** Each owner that is known now, once. */
  #askAll(left: ReadonlySet<number>, watcher: GoneWatcher, askMs: number): Promise<EndedWatcher>[] {
    const byTarget = new Map<string, number[]>()
    const asked: Promise<EndedWatcher>[] = []
    for (const partition of left) {
      const target = this.#directory.targetOf(partition)
      if (target === undefined) asked.push(this.#endAt(partition, watcher))
      else byTarget.set(target, [...(byTarget.get(target) ?? []), partition])
    }
    for (const [target, partitions] of byTarget) {
      asked.push(this.#ask(target, watcher, partitions, askMs).catch((error: unknown) => nothingOf(error, RpcError)))
    }
    return asked
  }

  async #endAt(partition: number, { impus, beforeMs }: GoneWatcher): Promise<EndedWatcher> {
    const owner = this.#directory.ownerOf(partition)
    if (!owner) return NOTHING
    try {
      return { partitions: [partition], subscriptions: await owner.endWatcher(impus, beforeMs) }
    } catch (error) {
      return nothingOf(error, PartitionLostError)
    }
  }

  /** What has come of `ask` when all is answered, or after `askMs`: an owner whose store is away answers later. */
  async #within(askMs: number, ask: (askMs: number) => Promise<EndedWatcher>[]): Promise<EndedWatcher> {
    const parts: EndedWatcher[] = []
    const { promise: timeout, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(askMs, resolve)
    const all = ask(askMs).map(async (part) => void parts.push(await part))
    await Promise.race([Promise.all(all), timeout])
    timer.cancel()
    return together(parts)
  }

  /** Waits until something changed, or for a moment. */
  async #park(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(ms, resolve)
    const forget = this.#directory.onChange(resolve)
    await promise
    forget()
    timer.cancel()
  }
}

function together(parts: readonly EndedWatcher[]): EndedWatcher {
  return {
    partitions: parts.flatMap(({ partitions }) => partitions),
    subscriptions: parts.reduce((sum, { subscriptions }) => sum + subscriptions, 0),
  }
}

/** An error that was to be expected: that partition is asked for again. */
function nothingOf(error: unknown, expected: new (...args: never[]) => Error): EndedWatcher {
  if (error instanceof expected) return NOTHING
  throw error
}
