import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { parseNameAddr, parseSipUri, type SipHeaders, SipSyntaxError } from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'

/** A SIP and a tel URI may be asserted together (RFC 3325 section 9.1). */
const ASSERTED_MAX = 2

/** Who the core is told the request is from. */
export interface AssertedIdentity {
  /** In canonical form, the first one first. */
  readonly impus: readonly [Impu, ...Impu[]]
  /** As they are written: header field values. */
  readonly values: readonly string[]
  /** P-Preferred-Identity named what is none of the contact's: the default was taken instead. */
  readonly hasForeignPreference: boolean
}

/**
 * Chooses the identity of a request by the contact that its SA belongs to: what P-Preferred-Identity prefers, if it is a
 * public identity registered there, one SIP and one tel URI at most, else the default. From takes no part.
 *
 * @see TS 24.229 clause 5.2.6.3.1; RFC 3325 section 9.2
 */
export function chooseIdentity(headers: SipHeaders, contact: Contact): AssertedIdentity {
  const chosen: number[] = []
  const schemes = new Set<string>()
  let hasForeignPreference = false
  for (const preferred of preferredUris(headers)) {
    // guard: preferred-registered — a preferred identity counts only if it is registered there
    const index = preferred === undefined ? -1 : contact.impus.indexOf(preferred)
    const scheme = preferred?.slice(0, preferred.indexOf(':')) ?? ''
    if (index < 0) hasForeignPreference = true
    else if (!schemes.has(scheme) && chosen.length < ASSERTED_MAX) {
      schemes.add(scheme)
      chosen.push(index)
    }
  }
  const [first = 0, ...others] = chosen
  const impu = (index: number): Impu => contact.impus[index] ?? defaultOf(contact)
  const value = (index: number): string => `<${contact.associatedUris[index] ?? impu(index)}>`
  return {
    impus: [impu(first), ...others.map(impu)],
    values: [first, ...others].map(value),
    hasForeignPreference,
  }
}

/** The default public identity: the first of P-Associated-URI (TS 24.229 clause 5.2.2.2). */
function defaultOf(contact: Contact): Impu {
  const [first] = contact.impus
  if (first === undefined) throw new Error('assertion failed: a contact has a public identity')
  return first
}

/** What the UE prefers; undefined stands for what is no identity at all. */
function preferredUris(headers: SipHeaders): (Impu | undefined)[] {
  let values: string[]
  try {
    values = headers.list('P-Preferred-Identity')
  } catch (error) {
    if (error instanceof SipSyntaxError) return [undefined]
    throw error
  }
  return values.map((value) => {
    try {
      return impuOf(parseNameAddr(value, 'P-Preferred-Identity').uri)
    } catch (error) {
      if (error instanceof SipSyntaxError || error instanceof InvalidIdentityError) return undefined
      throw error
    }
  })
}

/** A SIP URI with `user=phone` is the tel URI of its user part (TS 24.229 clause 5.2.6.3.1). */
function impuOf(uri: string): Impu {
  if (!/^sips?:/i.test(uri)) return parseImpu(uri)
  const { user, params } = parseSipUri(uri)
  const isPhone = String(params.get('user') ?? '').toLowerCase() === 'phone'
  return isPhone && user !== undefined ? parseImpu(`tel:${user}`) : parseImpu(uri)
}
