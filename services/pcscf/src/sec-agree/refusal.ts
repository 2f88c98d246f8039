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
 * A refusal that says what we can do. 421 and 494 ask for the agreement, so they carry our list; other answers end the
 * matter.
 *
 * @see RFC 3329 section 2.3.1
 */
export function refuseAgreement(status: number, reason: string, own: readonly OwnPair[]): SecAgreeRefusal {
  const asksForAgreement = status === 421 || status === 494
  return {
    ok: false,
    status,
    reason,
    headers: asksForAgreement
      ? [
          ['Require', 'sec-agree'],
          ['Security-Server', capabilities(own)],
        ]
      : [],
  }
}

/**
 * `Choice:` what we can do, for an answer that names no SAs: RFC 3329 section 2.3.1 wants a Security-Server in it, and
 * without SAs there are neither SPIs nor ports to tell.
 */
function capabilities(own: readonly OwnPair[]): string {
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
