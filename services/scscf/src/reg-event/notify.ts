import { createDialogRequest, formatEvent, parseNameAddr, parseSipUri, type SipRequest } from '@rollcall/sip'
import type { RegSubscription } from '../registrations/reg-subscription.ts'
import { REGINFO_MEDIA_TYPE } from './decide-subscribe.ts'

/** Our Contact in these dialogs: it names the partition, so that requests find the owner after a hand-over. */
export function regEventContact(partition: number, host: string): string {
  return `<sip:reg-${partition}@${host}>`
}

/** The partition that a Request-URI names, if it is such a Contact of this host. */
export function partitionOfContact(uri: string, host: string): number | undefined {
  const match = /^sip:reg-(0|[1-9]\d{0,3})@([^;?:]+)$/i.exec(uri)
  return match?.[2]?.toLowerCase() === host ? Number(match[1]) : undefined
}

/**
 * A NOTIFY: From and To are the dialog's, which are the SUBSCRIBE's To and From and no Contact; its way is what the
 * SUBSCRIBE recorded.
 *
 * @see RFC 6665 section 4.2.2, RFC 3261 section 12.2.1.1
 */
export function writeNotify(
  subscription: RegSubscription,
  o: { readonly cseq: number; readonly state: string; readonly body: Buffer; readonly contact: string },
): SipRequest {
  const { id, eventId } = subscription
  const dialog = { ...subscription, localTag: id, localCseq: 0 }
  const request = createDialogRequest(dialog, 'NOTIFY', o.cseq)
  const { headers } = request
  headers.set('Contact', o.contact)
  headers.set('Event', formatEvent({ package: 'reg', id: eventId === '' ? undefined : eventId }))
  headers.set('Subscription-State', o.state)
  headers.set('Content-Type', REGINFO_MEDIA_TYPE)
  return { ...request, body: o.body }
}

/** The host that a NOTIFY goes to first. @throws SipSyntaxError */
export function firstHop({ routeSet, remoteTarget }: Pick<RegSubscription, 'routeSet' | 'remoteTarget'>): string {
  const [first] = routeSet
  return parseSipUri(first === undefined ? remoteTarget : parseNameAddr(first, 'Route').uri).host.toLowerCase()
}
