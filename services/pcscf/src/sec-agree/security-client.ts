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
import type { SecAgreePolicy } from './policy.ts'
import { refuseAgreement, type SecAgreeRefusal } from './refusal.ts'
import { signallingOnly } from './signalling-only.ts'

/** What a REGISTER offers, and what we take of it. */
export interface SecurityAgreement {
  /** All that stands in Security-Client but for the media plane: SM7 must say the same. */
  readonly securityClient: readonly SecurityMechanism[]
  /** The entry that we take: algorithms, and the UE's SPIs and ports. */
  readonly chosen: IpsecOffer
  readonly pair: OwnPair
}

export type OfferReading = { readonly ok: true; readonly agreement: SecurityAgreement } | SecAgreeRefusal

/**
 * Reads the offer of a REGISTER that begins a registration, and chooses: our list, in our order, the first pair that the
 * UE offers too; its order and its `q` count for nothing. Whatever the header holds, the outcome is a choice or an
 * answer in 4xx. Of entries that name different SPIs or ports the chosen one's count: each is an offer of its own.
 *
 * @see TS 33.203 clause 7.2 and annex H; RFC 3329 section 2.3.1
 */
export function readSecurityClient(request: SipRequest, policy: SecAgreePolicy): OfferReading {
  const asked = askedFor(request, policy)
  if (asked) return asked
  try {
    const securityClient = signallingOnly(parseSecurityMechanisms(request.headers.getAll('Security-Client')))
    return choose(securityClient, policy)
  } catch (error) {
    if (!(error instanceof SipSyntaxError) && !(error instanceof SecurityAgreementError)) throw error
    return { ok: false, status: 400, reason: 'security-client-malformed', headers: [] }
  }
}

/** @throws SecurityAgreementError when an ipsec-3gpp entry cannot become SAs. */
function choose(securityClient: readonly SecurityMechanism[], policy: SecAgreePolicy): OfferReading {
  const { pairs, noCommonPairStatus } = policy
  const offers = offersOf(securityClient)
  const chosen = chooseOffer(pairs, offers)
  const pair = chosen && pairs.find((candidate) => isPairOf(candidate, chosen))
  if (!chosen || !pair) return refuseAgreement(noCommonPairStatus, reasonOf(offers, pairs), pairs)
  // No set of SAs can be made of one port (TS 33.203 clause 7.1).
  if (chosen.portC === chosen.portS) return { ok: false, status: 400, reason: 'ue-ports-equal', headers: [] }
  return { ok: true, agreement: { securityClient, chosen, pair } }
}

/** A list of other mechanisms is well-formed, and holds nothing for us. */
function offersOf(mechanisms: readonly SecurityMechanism[]): readonly IpsecOffer[] {
  try {
    return parseIpsecOffers(mechanisms)
  } catch (error) {
    if (error instanceof SecurityAgreementError && error.code === 'SECURITY_MECHANISM_MISSING') return []
    throw error
  }
}

/** A UE that offers no encryption gets none, or is refused: by our list (TS 33.203 clause 7.2). */
function reasonOf(offers: readonly IpsecOffer[], pairs: readonly OwnPair[]): string {
  const isEncryptionMissing =
    offers.length > 0 && offers.every(({ ealg }) => ealg === 'null') && pairs.every(({ ealg }) => ealg !== 'null')
  return isEncryptionMissing ? 'no-encryption-offered' : 'no-common-pair'
}

/**
 * Sec-agree is our policy, not the UE's choice: a REGISTER that does not ask for it is told so. `Choice:` unless the
 * setting says otherwise 421, and 494 when the UE says that it could.
 *
 * @see RFC 3329 section 2.3.1
 */
function askedFor(request: SipRequest, { missing, pairs }: SecAgreePolicy): SecAgreeRefusal | undefined {
  const asks = hasTag(request, 'Require') || hasTag(request, 'Proxy-Require')
  if (!asks) {
    const negotiated = hasTag(request, 'Supported') ? 494 : 421
    // guard: sec-agree-policy — nobody registers without the security agreement
    return refuseAgreement(missing === 'negotiate' ? negotiated : Number(missing), 'sec-agree-missing', pairs)
  }
  if (!request.headers.has('Security-Client')) return refuseAgreement(494, 'security-client-missing', pairs)
  return undefined
}

function hasTag(request: SipRequest, header: string): boolean {
  return optionTags(request, header).some((tag) => tag.toLowerCase() === 'sec-agree')
}

function isPairOf(pair: OwnPair, offer: IpsecOffer): boolean {
  return pair.alg === offer.alg.toLowerCase() && pair.ealg === offer.ealg.toLowerCase()
}
