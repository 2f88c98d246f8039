import { isTokenEqual } from './chars.ts'
import type { IpsecOffer } from './ipsec-offer.ts'

/** What one end can do: an integrity and an encryption algorithm, and the ESP mode. */
export interface IpsecSuite {
  readonly alg: string
  readonly ealg: string
  readonly mod: string
}

/**
 * The P-CSCF's choice out of a Security-Client: its own list, in its own order, decides; the UE's `q` counts for
 * nothing. Undefined when there is no common suite.
 *
 * @see TS 33.203 clause 7.2
 */
export function chooseOffer(own: readonly IpsecSuite[], peer: readonly IpsecOffer[]): IpsecOffer | undefined {
  for (const suite of own) {
    const offer = peer.find((candidate) => isSuite(candidate, suite))
    if (offer) return offer
  }
  return undefined
}

/**
 * The UE's choice out of a Security-Server: the entry with the highest `q` that it supports, of equal ones the first;
 * entries without `q` come last. Undefined when it supports none: it then abandons the registration.
 *
 * @see TS 33.203 clause 7.2; RFC 3329 section 2.3.1
 */
export function chooseServerOffer(own: readonly IpsecSuite[], server: readonly IpsecOffer[]): IpsecOffer | undefined {
  return server
    .toSorted((a, b) => (b.q ?? -1) - (a.q ?? -1))
    .find((offer) => own.some((suite) => isSuite(offer, suite)))
}

function isSuite(offer: IpsecOffer, suite: IpsecSuite): boolean {
  return (
    isTokenEqual(offer.alg, suite.alg) && isTokenEqual(offer.ealg, suite.ealg) && isTokenEqual(offer.mod, suite.mod)
  )
}
