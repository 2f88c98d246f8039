import type { Impu } from '@rollcall/core'

/** Presentities without watchers whose last policy change is remembered: it must outlast requests on their way. */
const UNWATCHED_MAX = 4_096

/**
 * By which revision of its policy each presentity's watchers are decided. A request that was under way when the policy
 * changed may come with the one before: it must not undo the change.
 */
export class PolicyRevisions {
  readonly #watched = new Map<Impu, bigint>()
  /** Oldest first. */
  readonly #unwatched = new Map<Impu, bigint>()

  /** The highest revision seen. */
  of(presentity: Impu): bigint | undefined {
    return this.#watched.get(presentity) ?? this.#unwatched.get(presentity)
  }

  note(presentity: Impu, revision: bigint, isWatched: boolean): void {
    this.#watched.delete(presentity)
    this.#unwatched.delete(presentity)
    if (isWatched) {
      this.#watched.set(presentity, revision)
      return
    }
    this.#unwatched.set(presentity, revision)
    for (const oldest of this.#unwatched.keys()) {
      if (this.#unwatched.size <= UNWATCHED_MAX) return
      this.#unwatched.delete(oldest)
    }
  }

  /** The presentity has no watchers any more. */
  unwatch(presentity: Impu): void {
    const revision = this.#watched.get(presentity)
    if (revision !== undefined) this.note(presentity, revision, false)
  }

  clear(): void {
    this.#watched.clear()
    this.#unwatched.clear()
  }
}
