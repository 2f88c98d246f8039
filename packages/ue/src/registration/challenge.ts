import { type AkaDigestAlgorithm, decodeNonce, InvalidNonceError, parseAkaAlgorithm } from '@rollcall/aka'
import {
  chooseServerOffer,
  type IpsecOffer,
  isTokenEqual,
  parseAuth,
  parseIpsecOffers,
  parseSecurityMechanisms,
  SecurityAgreementError,
  type SipResponse,
  SipSyntaxError,
} from '@rollcall/sip'
import { MalformedAnswerError, SecurityAgreementFailedError } from '../errors.ts'
import type { SecuritySuite } from '../settings.ts'

/** What a 401 asks for, and the SAs that the P-CSCF offers for the answer. */
export interface Challenge {
  readonly realm: string
  /** As it came: it goes back octet for octet. */
  readonly nonce: string
  readonly rand: Buffer
  readonly autn: Buffer
  /** As it came, and what it means. */
  readonly algorithm: string
  readonly digest: AkaDigestAlgorithm
  readonly qop: 'auth' | undefined
  readonly opaque: string | undefined
  /** Lines of Security-Server as they came: Security-Verify mirrors them. */
  readonly securityServer: readonly string[]
  /** The P-CSCF's end, and the suite which both ends choose. */
  readonly offer: IpsecOffer & SecuritySuite
}

/**
 * Reads the 401 to a REGISTER.
 *
 * @throws MalformedAnswerError when it holds no AKA challenge.
 * @throws SecurityAgreementFailedError when there is no Security-Server that we accept, or when the P-CSCF has left CK and
 * IK in the challenge, so that everybody on the way knows the keys.
 * @see TS 24.229 clause 5.1.1.5.1, TS 33.203 clause 7.2
 */
export function readChallenge(
  response: SipResponse,
  own: { suites: readonly SecuritySuite[]; mode: string },
): Challenge {
  try {
    return { ...readAuthenticate(response), ...readSecurityServer(response, own) }
  } catch (cause) {
    if (cause instanceof SipSyntaxError) throw new MalformedAnswerError(cause.message, { cause })
    if (cause instanceof InvalidNonceError)
      throw new MalformedAnswerError('the nonce holds no RAND and AUTN', { cause })
    if (cause instanceof SecurityAgreementError) {
      throw new SecurityAgreementFailedError('Security-Server cannot be used', { cause, isIncomplete: true })
    }
    throw cause
  }
}

type Authenticate = Omit<Challenge, 'securityServer' | 'offer'>

/** The first challenge that the UE can answer is the one: the network lists them by its preference (RFC 3261 section 22.3). */
function readAuthenticate(response: SipResponse): Authenticate {
  for (const line of response.headers.getAll('WWW-Authenticate')) {
    const { scheme, params } = parseAuth(line, 'WWW-Authenticate')
    const value = (name: string): string | undefined => params.get(name)?.value
    const algorithm = value('algorithm')
    const digest = parseAkaAlgorithm(algorithm ?? '')
    if (!isTokenEqual(scheme, 'Digest') || !algorithm || !digest) continue
    // guard: challenge-keys — keys that everybody on the way can read make no SA
    if (params.has('ck') || params.has('ik')) {
      throw new SecurityAgreementFailedError('the challenge shows CK and IK to everybody')
    }
    const realm = value('realm')
    const nonce = value('nonce')
    if (realm === undefined || nonce === undefined) throw new MalformedAnswerError('a challenge needs realm and nonce')
    const qops = value('qop')?.split(',') ?? []
    const qop = qops.some((name) => isTokenEqual(name.trim(), 'auth')) ? 'auth' : undefined
    if (qops.length > 0 && qop === undefined) throw new MalformedAnswerError('no qop that we know')
    return { realm, nonce, ...decodeNonce(nonce), algorithm, digest, qop, opaque: value('opaque') }
  }
  throw new MalformedAnswerError('the 401 holds no AKAv1-MD5 or AKAv2-MD5 challenge')
}

function readSecurityServer(
  response: SipResponse,
  own: { suites: readonly SecuritySuite[]; mode: string },
): Pick<Challenge, 'securityServer' | 'offer'> {
  const securityServer = response.headers.getAll('Security-Server')
  if (securityServer.length === 0)
    throw new SecurityAgreementFailedError('the 401 has no Security-Server', { isIncomplete: true })
  const offers = parseIpsecOffers(parseSecurityMechanisms(securityServer))
  const offer = chooseServerOffer(
    own.suites.map((suite) => ({ ...suite, mod: own.mode })),
    offers,
  )
  const suite = own.suites.find(({ alg, ealg }) => offer?.alg === alg && offer.ealg === ealg)
  if (!offer || !suite) throw new SecurityAgreementFailedError('nothing in Security-Server is acceptable')
  return { securityServer, offer: { ...offer, ...suite } }
}
