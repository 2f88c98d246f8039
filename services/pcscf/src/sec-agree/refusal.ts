import type { OwnPair } from './own-pairs.ts'

/** Why the security agreement failed, and the answer. */
export interface SecAgreeRefusal {
  readonly ok: false
  readonly status: number
  /** A label of few values. */
  readonly reason: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/**
 * `Choice:` what we can do, for an answer that names no SAs: RFC 3329 section 2.3.1 wants a Security-Server in it, and
 * without SAs there are neither SPIs nor ports to tell.
 */
export function capabilities(own: readonly OwnPair[]): string {
  return own
    .map(
      ({ alg, ealg, mod }, index) =>
        `ipsec-3gpp;q=${rankOf(own.length, index)};alg=${alg};ealg=${ealg};prot=esp;mod=${mod}`,
    )
    .join(', ')
}

/** The first of a list is ranked highest, and no two are ranked alike (RFC 3329 section 2.2). */
export function rankOf(length: number, index: number): number {
  return (length - index) / 10
}
