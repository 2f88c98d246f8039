import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { expires, parseNameAddr, type SipResponse, SipSyntaxError, sameSipUri } from '@rollcall/sip'
import { instanceOf, type RegisterFacts, secondsOf } from './read-register.ts'

/** What a 200 to a REGISTER grants. */
export interface Grant {
  /** 0 when the contact is not registered (any more). */
  readonly expiresSeconds: number
  /** Public identities in canonical form, the default one first; never empty. */
  readonly impus: readonly Impu[]
  /** The same as they came. */
  readonly associatedUris: readonly string[]
  readonly serviceRoute: readonly string[]
}

/** RFC 3261 section 10.2: what a registrar means that names no time. */
const EXPIRES_SECONDS = 3_600

/**
 * Reads what the registrar granted to this UE's contact.
 *
 * @throws SipSyntaxError when the response cannot be read.
 * @see TS 24.229 clause 5.2.2.2; RFC 3608, RFC 7315 section 4.1
 */
export function readGrant(response: SipResponse, facts: RegisterFacts): Grant {
  const associated = associatedIdentities(response)
  const known = associated.length > 0 ? associated : [{ impu: facts.impu, uri: facts.impu as string }]
  return {
    expiresSeconds: expiresOf(response, facts),
    impus: known.map(({ impu }) => impu),
    associatedUris: known.map(({ uri }) => uri),
    serviceRoute: response.headers.list('Service-Route'),
  }
}

/** The 200 lists every contact that is bound: the UE's own is found by its instance, or else by its URI. */
function expiresOf(response: SipResponse, facts: RegisterFacts): number {
  const { contact } = facts
  if (!contact) return 0
  for (const value of response.headers.list('Contact')) {
    if (value.trim() === '*') continue
    const { uri, params } = parseNameAddr(value, 'Contact')
    const instance = instanceOf(params.get('+sip.instance'))
    const isOwn = contact.instance !== '' ? instance === contact.instance : sameSipUri(uri, contact.uri)
    if (isOwn) return secondsOf(params.get('expires')) ?? expires(response) ?? facts.expiresSeconds ?? EXPIRES_SECONDS
  }
  return 0
}

/** An identity that cannot be read cannot be asserted either: it is left out. */
function associatedIdentities(response: SipResponse): { impu: Impu; uri: string }[] {
  const found: { impu: Impu; uri: string }[] = []
  for (const value of response.headers.list('P-Associated-URI')) {
    try {
      const { uri } = parseNameAddr(value, 'P-Associated-URI')
      found.push({ impu: parseImpu(uri), uri })
    } catch (error) {
      if (!(error instanceof SipSyntaxError) && !(error instanceof InvalidIdentityError)) throw error
    }
  }
  return found
}
