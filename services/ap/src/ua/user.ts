import type { Impi, Impu } from '@rollcall/core'

/**
 * The ways in which a UE may show who it is. GBA is the standard's own; the other two are its "other means".
 *
 * @see TS 33.141 clause 5.1.4, TS 33.222 clauses 5.3 and 5.4
 */
export const MEANS = ['gba-digest', 'gba-psk', 'client-certificate', 'password'] as const

export type Means = (typeof MEANS)[number]

/** Who a request is from, and what of him may be told to the server behind. */
export interface User {
  readonly means: Means
  /** What he may be at this NAF; the first one is his default. */
  readonly identities: readonly Impu[]
  readonly impi: Impi | undefined
  /** Authorization flags of the user's security settings (TS 24.109 annex G). */
  readonly flags: readonly number[]
}
