import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { expires, parseContacts, parseNameAddr, type SipResponse, SipSyntaxError, sameSipUri } from '@rollcall/sip'
import type { RegisterFacts } from './read-register.ts'

/** What a 200 to a REGISTER grants. */
export interface Grant {
  /** 0 when the contact is not registered (any more). */
  readonly expiresSeconds: number
  /** Public identities in canonical form, the default one first; empty when all are barred. */
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
  return {
    expiresSeconds: expiresOf(response, facts),
    impus: associated.map(({ impu }) => impu),
    associatedUris: associated.map(({ uri }) => uri),
    serviceRoute: response.headers.list('Service-Route'),
  }
}

/** The 200 lists every contact that is bound: the UE's own is found by its instance, or else by its URI. */
function expiresOf(response: SipResponse, facts: RegisterFacts): number {
  const { contact } = facts
  if (!contact) return 0
  const bound = parseContacts(response.headers.getAll('Contact'))
  if (bound === '*') return 0
  const own = bound.find(({ uri, instance = '' }) =>
    contact.instance !== '' ? instance === contact.instance : sameSipUri(uri, contact.uri),
  )
  if (own) return own.expiresSeconds ?? expires(response) ?? facts.expiresSeconds ?? EXPIRES_SECONDS
  return 0
}

/**
 * The identities that are not barred, in their order: the first is the default one, and the identity that was registered
 * is barred when it is not among them. One that cannot be read cannot be asserted either: it is left out.
 *
 * @see TS 24.229 clause 5.2.2.2; RFC 7315 section 4.1
 */
function associatedIdentities(response: SipResponse): { impu: Impu; uri: string }[] {
  const found: { impu: Impu; uri: string }[] = []
  for (const value of elementsOf(response)) {
    try {
      const { uri } = parseNameAddr(value, 'P-Associated-URI')
      found.push({ impu: parseImpu(uri), uri })
    } catch (error) {
      if (!(error instanceof SipSyntaxError) && !(error instanceof InvalidIdentityError)) throw error
    }
  }
  return found
}

/** An empty line says that there is none. */
function elementsOf(response: SipResponse): readonly string[] {
  const isNone = response.headers.getAll('P-Associated-URI').every((line) => line === '')
  return isNone ? [] : response.headers.list('P-Associated-URI')
}
