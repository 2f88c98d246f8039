import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { formatTelUri, parseNameAddr, parseSipUri, type SipHeaders, SipSyntaxError, telUriOf } from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'

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
 * public identity registered there, one SIP and one tel URI at most, else the default. From takes no part, and neither
 * do display names. A barred identity is none of the contact's; undefined when all are barred.
 *
 * @see TS 24.229 clause 5.2.6.3.1; RFC 3325 section 9.2
 */
export function chooseIdentity(headers: SipHeaders, contact: Contact): AssertedIdentity | undefined {
  const [byDefault] = contact.impus
  if (byDefault === undefined) return undefined
  const chosen: number[] = []
  const kinds = new Set<string>()
  let hasForeignPreference = false
  for (const preferred of preferredUris(headers)) {
    // guard: preferred-registered — a preferred identity counts only if it is registered there
    const index = preferred === undefined ? -1 : indexOf(preferred, contact)
    const kind = contact.impus[index]?.startsWith('tel:') ? 'tel' : 'sip'
    if (index < 0) hasForeignPreference = true
    else if (!kinds.has(kind)) {
      kinds.add(kind)
      chosen.push(index)
    }
  }
  const [first = 0, ...others] = chosen
  const impu = (index: number): Impu => contact.impus[index] ?? byDefault
  const value = (index: number): string => `<${contact.associatedUris[index] ?? impu(index)}>`
  return {
    impus: [impu(first), ...others.map(impu)],
    values: [first, ...others].map(value),
    hasForeignPreference,
  }
}

/** Where the contact has the identity that a URI names; -1 when it has not. */
function indexOf({ impu, phone }: Preferred, contact: Contact): number {
  const index = contact.impus.indexOf(impu)
  if (index >= 0 || phone === undefined) return index
  return contact.associatedUris.findIndex((uri, at) => contact.impus[at] === phone || phoneOf(uri) === phone)
}

/** A public identity, and the telephone number that it is another spelling of. */
interface Preferred {
  readonly impu: Impu
  readonly phone: Impu | undefined
}

/** What the UE prefers; undefined stands for what is no identity at all. */
function preferredUris(headers: SipHeaders): (Preferred | undefined)[] {
  if (!headers.has('P-Preferred-Identity')) return []
  let values: string[]
  try {
    values = headers.list('P-Preferred-Identity')
  } catch (error) {
    if (error instanceof SipSyntaxError) return [undefined]
    throw error
  }
  return values.map((value) => {
    try {
      const { uri } = parseNameAddr(value, 'P-Preferred-Identity')
      return { impu: parseImpu(uri), phone: phoneOf(uri) }
    } catch (error) {
      if (error instanceof SipSyntaxError || error instanceof InvalidIdentityError) return undefined
      throw error
    }
  })
}

/**
 * The telephone number that a URI names: a SIP URI with `user=phone` equals the tel URI of its user part.
 *
 * @see TS 24.229 clause 5.2.6.3.1; RFC 3261 section 19.1.6
 */
function phoneOf(uri: string): Impu | undefined {
  try {
    if (/^tel:/i.test(uri)) return parseImpu(uri)
    const tel = telUriOf(parseSipUri(uri))
    return tel && parseImpu(formatTelUri(tel))
  } catch (error) {
    if (error instanceof SipSyntaxError || error instanceof InvalidIdentityError) return undefined
    throw error
  }
}
