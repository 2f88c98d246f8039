import {
  chooseOffer,
  type IpsecOffer,
  optionTags,
  parseIpsecOffers,
  parseSecurityMechanisms,
  SecurityAgreementError,
  type SecurityMechanism,
  type SipRequest,
  SipSyntaxError,
} from '@rollcall/sip'
import type { OwnPair } from './own-pairs.ts'
import { capabilities, type SecAgreeRefusal } from './refusal.ts'

/** What a REGISTER offers, and what we take of it. */
export interface SecurityAgreement {
  /** All that stands in Security-Client: SM7 must say the same. */
  readonly securityClient: readonly SecurityMechanism[]
  /** The entry that we take: algorithms, and the UE's SPIs and ports. */
  readonly chosen: IpsecOffer
  readonly pair: OwnPair
}

export type OfferReading = { readonly ok: true; readonly agreement: SecurityAgreement } | SecAgreeRefusal

/**
 * Reads the offer of a REGISTER that begins a registration, and chooses: our list, in our order, the first pair that the
 * UE offers too. Whatever the header holds, the outcome is a choice or an answer; `Choice:` 403 when no pair is common.
 *
 * @see TS 33.203 clause 7.2 and annex H; RFC 3329 section 2.3.1
 */
export function readSecurityClient(request: SipRequest, own: readonly OwnPair[]): OfferReading {
  const asked = askedFor(request, own)
  if (asked) return asked
  try {
    const securityClient = parseSecurityMechanisms(request.headers.getAll('Security-Client'))
    const chosen = chooseOffer(own, parseIpsecOffers(securityClient))
    const pair = chosen && own.find((candidate) => isPairOf(candidate, chosen))
    if (!chosen || !pair) return { ok: false, status: 403, reason: 'no-common-pair', headers: [] }
    // No set of SAs can be made of one port (TS 33.203 clause 7.1).
    if (chosen.portC === chosen.portS) return { ok: false, status: 400, reason: 'ue-ports-equal', headers: [] }
    return { ok: true, agreement: { securityClient, chosen, pair } }
  } catch (error) {
    if (!(error instanceof SipSyntaxError) && !(error instanceof SecurityAgreementError)) throw error
    return { ok: false, status: 400, reason: 'security-client-malformed', headers: [] }
  }
}

/**
 * Sec-agree is our policy, not the UE's choice: a REGISTER that does not ask for it is told so.
 *
 * @see RFC 3329 section 2.3.1; `Choice:` 421, and 494 when the UE says that it could
 */
function askedFor(request: SipRequest, own: readonly OwnPair[]): SecAgreeRefusal | undefined {
  const asks = hasTag(request, 'Require') || hasTag(request, 'Proxy-Require')
  if (!asks) return refuse(hasTag(request, 'Supported') ? 494 : 421, 'sec-agree-missing', own)
  if (!request.headers.has('Security-Client')) return refuse(494, 'security-client-missing', own)
  return undefined
}

function hasTag(request: SipRequest, header: string): boolean {
  return optionTags(request, header).some((tag) => tag.toLowerCase() === 'sec-agree')
}

function refuse(status: number, reason: string, own: readonly OwnPair[]): SecAgreeRefusal {
  return {
    ok: false,
    status,
    reason,
    headers: [
      ['Require', 'sec-agree'],
      ['Security-Server', capabilities(own)],
    ],
  }
}

function isPairOf(pair: OwnPair, offer: IpsecOffer): boolean {
  return pair.alg === offer.alg.toLowerCase() && pair.ealg === offer.ealg.toLowerCase()
}
