import type { Impu } from '@rollcall/core'
import { createDialogRequest, createRequest, parseNameAddr, parseSipUri, type SipRequest } from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'
import { chargingVector } from '../mw/requests.ts'
import type { RegSubscription } from './subscription.ts'

/** User part of our Contact in these dialogs: no flow token looks like it. */
export const REG_EVENT_USER = 'reg-event'
export const REGINFO_TYPE = 'application/reginfo+xml'

/** What a SUBSCRIBE of ours says besides its dialog. */
export interface SubscribeParts {
  readonly contact: Contact
  readonly impu: Impu
  readonly expiresSeconds: number
  readonly icid: string
  readonly host: string
  readonly realm: string
}

/**
 * The SUBSCRIBE of the P-CSCF for the registration state of a contact: to its default public identity, by the
 * Service-Route, as who its Path names.
 *
 * @see TS 24.229 clause 5.2.3
 */
export function subscribeRequest(subscription: RegSubscription, o: SubscribeParts): SipRequest {
  const { dialog, callId, localTag, localCseq } = subscription
  const { contact, host, impu } = o
  const request = dialog
    ? createDialogRequest(dialog, 'SUBSCRIBE', localCseq)
    : createRequest('SUBSCRIBE', impu, [
        ...contact.serviceRoute.map((value) => ['Route', value] as const),
        ['Max-Forwards', '70'],
        ['From', `<sip:${host}>;tag=${localTag}`],
        ['To', `<${impu}>`],
        ['Call-ID', callId],
        ['CSeq', `${localCseq} SUBSCRIBE`],
      ])
  const { headers } = request
  headers.add('Contact', `<sip:${REG_EVENT_USER}@${host}>`)
  headers.add('Event', 'reg')
  headers.add('Accept', REGINFO_TYPE)
  headers.add('Expires', String(o.expiresSeconds))
  headers.add('P-Asserted-Identity', `<${pathUri(contact)}>`)
  headers.add('P-Charging-Vector', chargingVector(o.icid, host, o.realm))
  return request
}

/** Who we are in these dialogs: the URI that we put into the contact's Path. */
export function pathUri(contact: Contact): string {
  return parseNameAddr(contact.path, 'Path').uri
}

/** The host that a request of ours goes to next (RFC 3261 section 16.6 item 6). */
export function nextHopOf(request: SipRequest): string {
  const [route] = request.headers.list('Route')
  const uri = route === undefined ? request.uri : parseNameAddr(route, 'Route').uri
  return parseSipUri(uri).host.toLowerCase()
}
