import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { parseCalledPartyId, type SipHeaders, type SipRequest, type SipResponse, SipSyntaxError } from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'
import { hostText } from '../edge/host-text.ts'
import { answeredVector } from '../mw/charging.ts'
import { countHop } from '../mw/requests.ts'
import { stripFromUe, stripToUe } from '../mw/trust-boundary.ts'

/**
 * A request from the core as the UE gets it: with our Via of its side alone above the core's, and nothing that a UE is
 * not told. The request is changed in place.
 *
 * @see TS 24.229 clause 5.2.6.4; TS 33.203 clause 7.1 for port_ps in Via
 */
export function toUeRequest(
  request: SipRequest,
  o: { readonly address: string; readonly portPs: number; readonly branch: string },
): void {
  const { headers } = request
  headers.remove('Route')
  stripToUe(headers)
  countHop(request)
  headers.prepend('Via', `SIP/2.0/UDP ${hostText(o.address)}:${o.portPs};branch=${o.branch}`)
}

/** What of a request comes back with its response, though the UE has no part in it. */
export interface Terminated {
  /** The header fields of the request, as the core sent it. */
  readonly request: SipHeaders
  readonly contact: Pick<Contact, 'impus' | 'associatedUris'>
  readonly realm: string
}

/**
 * A UE's response as the core gets it: without our Via, and without what a UE may not say. Who answers is the identity
 * that the request was for, whatever the UE asserts; the charging vector is the request's. Record-Route stays: it is the
 * request's own.
 *
 * @see TS 24.229 clause 5.2.6.4.4; RFC 7315 section 4.2
 */
export function toCoreResponse(response: SipResponse, { request, contact, realm }: Terminated): void {
  const { headers } = response
  const recorded = headers.getAll('Record-Route')
  stripFromUe(headers, true)
  headers.remove('P-Preferred-Identity')
  for (const value of recorded) headers.add('Record-Route', value)
  headers.removeFirst('Via')
  const vector = answeredVector(request, realm)
  if (vector !== undefined) headers.set('P-Charging-Vector', vector)
  const called = response.status < 300 ? calledParty(request, contact) : undefined
  // guard: called-party — who answers is who was asked, not who the UE says it is
  if (called !== undefined) headers.set('P-Asserted-Identity', called)
}

/** The identity of the contact that P-Called-Party-ID names; the default one when it names none of them. */
function calledParty(request: SipHeaders, { impus, associatedUris }: Terminated['contact']): string | undefined {
  const value = request.get('P-Called-Party-ID')
  if (value === undefined) return undefined
  const called = impuOf(value)
  const at = called === undefined ? 0 : Math.max(0, impus.indexOf(called))
  const uri = associatedUris[at]
  return uri === undefined ? undefined : `<${uri}>`
}

function impuOf(value: string): Impu | undefined {
  try {
    return parseImpu(parseCalledPartyId(value).uri)
  } catch (error) {
    if (error instanceof SipSyntaxError || error instanceof InvalidIdentityError) return undefined
    throw error
  }
}
