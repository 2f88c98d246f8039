import type { Impi } from '@rollcall/core'
import type { EndedRegistration } from './ended-registration.ts'

/** The HSS is told again, after a restart or a move, of contacts that ended so recently that it may not have heard. */
const RECENT_END_MS = 300_000
/** Some ends a second, for five minutes; of what is forgotten the HSS learns at the next registration. */
const ENDS_MAX = 10_000

interface RecentEnd {
  readonly atMs: number
  readonly ended: EndedRegistration
}

/** Ends that the HSS may not have heard of, one an IMPI. */
export class RecentEnds {
  readonly #ends = new Map<Impi, RecentEnd>()

  add(ended: EndedRegistration, atMs: number, nowMs: number): void {
    this.#ends.delete(ended.impi)
    this.#ends.set(ended.impi, { ended, atMs })
    for (const [impi, end] of this.#ends) {
      if (this.#ends.size <= ENDS_MAX && isRecent(end, nowMs)) break
      this.#ends.delete(impi)
    }
  }

  /** The user has registered again. */
  delete(impi: Impi): void {
    this.#ends.delete(impi)
  }

  recent(nowMs: number): RecentEnd[] {
    return [...this.#ends.values()].filter((end) => isRecent(end, nowMs))
  }
}

function isRecent({ atMs }: RecentEnd, nowMs: number): boolean {
  return atMs > nowMs - RECENT_END_MS
}
