import type { Clock, Impu } from '@rollcall/core'
import { RpcError } from '@rollcall/runtime'
import type { UserData, UserDataCache } from './user-data.ts'

/** How long a push waits for its partition to arrive somewhere; the HSS tries again after that. */
const PARK_MS_MAX = 3_000
/** How long a forwarded one waits: its sender looks again by itself. */
const FORWARDED_PARK_MS_MAX = 1_000
/** Looked at again after this when nobody says that anything changed. */
const LOOK_MS = 100
/** Pushes that wait. Policies change by hand, so more than that is a storm, and the HSS tries again. */
const PARKED_MAX = 1_000

/** Serves a partition here. */
export interface PolicyOwner {
  /**
   * Decides all watchers of the presentity anew. Resolves when that is durable and no earlier owner can tell anybody
   * anything any more; rejects when the partition is lost meanwhile.
   */
  changePolicy(presentity: Impu, policy: UserData): Promise<void>
}

/** Where partitions are served. */
export interface PolicyDirectory {
  readonly isOpen: boolean
  partitionOf(canonical: Impu): number
  ownerOf(partition: number): PolicyOwner | undefined
  /** The gRPC target of another replica that serves it; undefined when it is here, or nowhere now. */
  targetOf(partition: number): string | undefined
  /** Calls `listener` whenever one of these may answer otherwise than before, until the returned function is called. */
  onChange(listener: () => void): () => void
}

/** Hands a push to another replica, with `forwarded`. @throws RpcError */
export type ForwardPush = (target: string, deadlineMs: number) => Promise<void>

/** One push as it came. */
export interface PolicyChange {
  readonly data: UserData
  readonly isForwarded: boolean
  /** The caller gives up after this. */
  readonly remainingMs: number
  readonly forward: ForwardPush
}

/**
 * Brings a pushed policy to the owner of its presentity: here, or by one step to another replica. While the partition
 * moves it waits a little.
 */
export class PolicyChanges {
  readonly #clock: Clock
  readonly #users: Pick<UserDataCache, 'fetch' | 'knows' | 'learn'>
  readonly #directory: PolicyDirectory
  #parked = 0

  constructor(o: {
    readonly clock: Clock
    readonly users: Pick<UserDataCache, 'fetch' | 'knows' | 'learn'>
    readonly directory: PolicyDirectory
  }) {
    this.#clock = o.clock
    this.#users = o.users
    this.#directory = o.directory
  }

  /** Resolves when the policy, or a newer one, is in force. @throws RpcError with what keeps it from being so. */
  async apply(change: PolicyChange): Promise<void> {
    const { data, isForwarded, remainingMs, forward } = change
    const startMs = this.#clock.monotonic()
    const parkMs = Math.min(remainingMs, isForwarded ? FORWARDED_PARK_MS_MAX : PARK_MS_MAX)
    for (;;) {
      const owner = this.#directory.ownerOf(data.partition)
      if (owner) return await this.#decide(owner, data)
      const elapsedMs = this.#clock.monotonic() - startMs
      const target = isForwarded ? undefined : this.#directory.targetOf(data.partition)
      let problem = 'the partition is not served here now'
      if (target !== undefined && elapsedMs < remainingMs) {
        try {
          return await forward(target, remainingMs - elapsedMs)
        } catch (error) {
          if (!(error instanceof RpcError)) throw error
          problem = `replica ${target}: ${error.message}`
        }
      }
      if (this.#clock.monotonic() - startMs >= parkMs) throw new RpcError('RPC_UNAVAILABLE', problem)
      await this.#park()
    }
  }

  async #decide(owner: PolicyOwner, data: UserData): Promise<void> {
    // guard: push-overtaken — a push that was late may be older than what was in force at the owner before this one
    if (!this.#users.knows(data.canonical)) await this.#askFor(data.canonical)
    // What counts now may be newer than what came: this push holds when that one does.
    const current = this.#users.learn(data)
    try {
      await owner.changePolicy(current.canonical, current)
    } catch (cause) {
      throw new RpcError('RPC_UNAVAILABLE', 'the partition was lost meanwhile', { cause })
    }
  }

  async #askFor(canonical: Impu): Promise<void> {
    try {
      await this.#users.fetch(canonical, '')
    } catch (cause) {
      throw new RpcError('RPC_UNAVAILABLE', 'the HSS gives no answer', { cause })
    }
  }

  /** Waits until something changed, or for a moment. @throws RpcError when too many wait. */
  async #park(): Promise<void> {
    if (this.#parked >= PARKED_MAX) throw new RpcError('RPC_EXHAUSTED', 'too many changes wait for their partition')
    this.#parked += 1
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#clock.setTimer(LOOK_MS, resolve)
    const forget = this.#directory.onChange(resolve)
    await promise
    forget()
    timer.cancel()
    this.#parked -= 1
  }
}
