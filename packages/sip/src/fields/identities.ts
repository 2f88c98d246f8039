import { SipSyntaxError } from '../errors.ts'
import { formatNameAddr, type NameAddr, parseNameAddr } from '../name-addr.ts'
import { elementsOf, joinElements } from './elements.ts'

/**
 * Reads P-Asserted-Identity or P-Preferred-Identity: one SIP (or SIPS) and one tel URI at most. Which comes first is
 * kept. Empty when there is no line.
 *
 * @throws SipSyntaxError also for two of a kind and for a URI of another scheme.
 * @see RFC 3325 sections 9.1 and 9.2
 */
export function parseAssertedIdentities(
  lines: readonly string[],
  header: 'P-Asserted-Identity' | 'P-Preferred-Identity',
): NameAddr[] {
  const identities = elementsOf(lines, header).map((element) => parseNameAddr(element, header))
  checkKinds(identities, header)
  return identities
}

/** The inverse: one line. @throws SipSyntaxError for what could not be asserted together. */
export function formatAssertedIdentities(identities: readonly NameAddr[]): string {
  if (identities.length === 0) throw new SipSyntaxError('P-Asserted-Identity', 'has no identity')
  checkKinds(identities, 'P-Asserted-Identity')
  return joinElements(identities.map(formatNameAddr))
}

function checkKinds(identities: readonly NameAddr[], header: string): void {
  let sip = 0
  let tel = 0
  for (const { uri } of identities) {
    if (/^sips?:/i.test(uri)) sip += 1
    else if (/^tel:/i.test(uri)) tel += 1
    else throw new SipSyntaxError(header, 'is neither a SIP nor a tel URI')
  }
  // guard: asserted-kinds — of two identities of a kind two readers could pick two (RFC 3325 section 9.1)
  if (sip > 1 || tel > 1) throw new SipSyntaxError(header, 'has two identities of a kind')
}

/**
 * Reads P-Associated-URI: the identities of a registration, the default one first. Empty also for a line without any.
 * Choice: angle brackets may be missing, which some registrars leave out.
 *
 * @throws SipSyntaxError
 * @see RFC 7315 section 4.1
 */
export function parseAssociatedUris(lines: readonly string[]): NameAddr[] {
  return elementsOf(lines, 'P-Associated-URI').map((element) => parseNameAddr(element, 'P-Associated-URI'))
}

/** The inverse: one line, empty for none. */
export function formatAssociatedUris(identities: readonly NameAddr[]): string {
  return joinElements(identities.map(formatNameAddr))
}

/**
 * Reads P-Called-Party-ID: the identity that a request was sent to; `formatNameAddr` writes it. Angle brackets may be
 * missing, as in the example of RFC 3455.
 *
 * @throws SipSyntaxError
 * @see RFC 7315 section 4.2
 */
export function parseCalledPartyId(text: string): NameAddr {
  return parseNameAddr(text, 'P-Called-Party-ID')
}
