import type { SipRequest, SipResponse } from '@rollcall/sip'
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
  headers.prepend('Via', `SIP/2.0/UDP ${o.address}:${o.portPs};branch=${o.branch}`)
}

/**
 * A UE's response as the core gets it: without our Via, and without what a UE may not say. Record-Route stays: it is the
 * request's own.
 *
 * @see TS 24.229 clause 5.2.6.4.4
 */
export function toCoreResponse(response: SipResponse): void {
  const { headers } = response
  const recorded = headers.getAll('Record-Route')
  stripFromUe(headers, true)
  for (const value of recorded) headers.add('Record-Route', value)
  headers.removeFirst('Via')
}
