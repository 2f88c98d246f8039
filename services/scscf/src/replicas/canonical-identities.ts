import type { Clock, Impu } from '@rollcall/core'

/** Who the HSS says that an identity is. */
export type LocatedIdentity =
  | { readonly kind: 'known'; readonly canonicalImpu: Impu }
  | { readonly kind: 'unknown' | 'unavailable' }

export interface CanonicalIdentitiesOptions {
  readonly clock: Clock
  /** The partition of a canonical identity. */
  readonly partitionOf: (canonicalImpu: Impu) => number
  /** The canonical identity, when the set is registered here. */
  readonly registered: (impu: Impu) => Impu | undefined
  /** Asks the HSS. It does not reject. */
  readonly locate: (impu: Impu) => Promise<LocatedIdentity>
}

/** Which set an identity belongs to changes by provisioning alone. */
const FRESH_MS = 600_000
/** Whom the HSS does not know it may know soon. */
const UNKNOWN_FRESH_MS = 5_000
/** Some 200 octets each. */
const ENTRIES_MAX = 100_000

interface Entry {
  readonly partition: number
  readonly untilMs: number
}

/**
 * Finds the partition of an identity: of the canonical one of its implicit set, whichever of its names a request uses.
 * It says only where a request belongs; what is true of the user the owner there knows.
 */
export class CanonicalIdentities {
  readonly #options: CanonicalIdentitiesOptions
  readonly #entries = new Map<Impu, Entry>()
  readonly #asking = new Map<Impu, Promise<number>>()

  constructor(options: CanonicalIdentitiesOptions) {
    this.#options = options
  }

  /** The partition, when it is known without the HSS. */
  peek(impu: Impu): number | undefined {
    const known = this.#entries.get(impu)
    if (known && this.#options.clock.monotonic() < known.untilMs) return known.partition
    const canonicalImpu = this.#options.registered(impu)
    return canonicalImpu === undefined ? undefined : this.learn(impu, canonicalImpu)
  }

  /**
   * The partition, from the HSS if need be. While that is away what was known before counts, and of whom nothing is known
   * the identity itself: most are the canonical one of their set, and the owner of its partition refuses the others.
   */
  async resolve(impu: Impu): Promise<number> {
    const asking = this.#asking.get(impu)
    if (asking) return await asking
    const answer = this.#ask(impu)
    this.#asking.set(impu, answer)
    try {
      return await answer
    } finally {
      this.#asking.delete(impu)
    }
  }

  /** Takes note of the set that an identity belongs to, and gives its partition. */
  learn(impu: Impu, canonicalImpu: Impu, freshMs = FRESH_MS): number {
    const partition = this.#options.partitionOf(canonicalImpu)
    this.#entries.delete(impu)
    this.#entries.set(impu, { partition, untilMs: this.#options.clock.monotonic() + freshMs })
    if (this.#entries.size > ENTRIES_MAX) {
      const oldest = this.#entries.keys().next()
      if (!oldest.done) this.#entries.delete(oldest.value)
    }
    return partition
  }

  async #ask(impu: Impu): Promise<number> {
    const found = await this.#options.locate(impu)
    switch (found.kind) {
      case 'known':
        return this.learn(impu, found.canonicalImpu)
      case 'unknown':
        return this.learn(impu, impu, UNKNOWN_FRESH_MS)
      case 'unavailable':
        return this.#entries.get(impu)?.partition ?? this.#options.partitionOf(impu)
    }
  }
}
