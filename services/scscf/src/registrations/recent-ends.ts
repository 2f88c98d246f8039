import type { Impi, Impu } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import type { EndedRegistration } from './ended-registration.ts'
import type { Contact } from './registration.ts'

/** The HSS is told again, after a restart or a move, of contacts that ended so recently that it may not have heard. */
const RECENT_END_MS = 300_000
/** Some ends a second, for five minutes; of what is forgotten the HSS learns at the next registration. */
const ENDS_MAX = 10_000

/** An end, with what a subscriber is told who has not heard of it. */
export interface RecentEnd {
  readonly atMs: number
  readonly ended: EndedRegistration
  readonly canonicalImpu: Impu
  /** Undefined when an older record told of it. */
  readonly contact: Contact | undefined
  readonly retryAfterSeconds: number
  /** Of its set, for application servers that may not have heard; undefined when an older record told of it. */
  readonly profile: ServiceProfile | undefined
}

/** Ends that the HSS may not have heard of, one an IMPI. */
export class RecentEnds {
  readonly #ends = new Map<Impi, RecentEnd>()

  add(end: RecentEnd, nowMs: number): void {
    this.#ends.delete(end.ended.impi)
    this.#ends.set(end.ended.impi, end)
    for (const [impi, known] of this.#ends) {
      if (this.#ends.size <= ENDS_MAX && isRecent(known, nowMs)) break
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
