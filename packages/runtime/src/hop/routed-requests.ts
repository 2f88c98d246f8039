import type { ForwardFailure, ForwardRequest } from './forward-request.ts'

/** A request that is not served here, as long as it is under way. */
export interface Routed {
  readonly request: ForwardRequest
  /** The same request once more, from a sender that lost its stream: answered alike. */
  readonly again: ForwardRequest[]
  giveUpAtMs: number
  readonly dueMs: number
  retryMs: number
  isParked: boolean
  isEnded: boolean
  /** Its partition went elsewhere; it gets a moment to be answered where it is. */
  isWatched: boolean
  /** Where it is and was not answered. */
  readonly sentTo: Set<string>
  /** Where it was sent last. */
  target: string
  /** Why it would fail now. */
  why: ForwardFailure
  tick: number
}

/** Requests by their partitions, in the order in which they came. */
export class RoutedRequests {
  readonly #byPartition = new Map<number, Set<Routed>>()

  add(routed: Routed): void {
    const { partition } = routed.request
    const known = this.#byPartition.get(partition)
    if (known) known.add(routed)
    else this.#byPartition.set(partition, new Set([routed]))
  }

  /** Does nothing when it is not there. */
  delete(routed: Routed): void {
    const { partition } = routed.request
    const known = this.#byPartition.get(partition)
    if (known?.delete(routed) && known.size === 0) this.#byPartition.delete(partition)
  }

  /** Each partition that has some, and a copy of what it has. */
  *entries(): Iterable<readonly [partition: number, routed: readonly Routed[]]> {
    for (const [partition, routed] of [...this.#byPartition]) yield [partition, [...routed]]
  }
}
