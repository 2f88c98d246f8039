import type { Impu } from '@rollcall/core'
import {
  accepts,
  contact,
  createDialogRequest,
  createUasDialog,
  event,
  expires,
  parseAccept,
  parseNameAddr,
  parseSipUri,
  type SipRequest,
} from '@rollcall/sip'
import type { Refusal } from '../refusal.ts'
import type { RegSubscription } from '../registrations/reg-subscription.ts'
import type { RegSubscriber } from './authorize.ts'
import {
  EXPIRES_SECONDS_DEFAULT,
  EXPIRES_SECONDS_MAX,
  EXPIRES_SECONDS_MIN,
  EXPIRES_SECONDS_NEVER_TOO_BRIEF,
} from './limits.ts'

export const REGINFO_MEDIA_TYPE = 'application/reginfo+xml'

/** For how long, or why not. */
export type Interval =
  | { readonly ok: true; readonly seconds: number }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * The interval that a SUBSCRIBE gets: the package and the body must be known to who asks, and it must not be too brief.
 *
 * @throws SipSyntaxError
 * @see RFC 3680 sections 4.3 and 4.5, RFC 6665 section 4.2.1.1
 */
export function intervalOf(request: SipRequest): Interval {
  if (event(request).package !== 'reg') {
    return { ok: false, refusal: { reason: 'reg-event-package', headers: [['Allow-Events', 'reg']] } }
  }
  const accept = request.headers.getAll('Accept')
  if (accept.length > 0 && !accepts(parseAccept(accept), REGINFO_MEDIA_TYPE)) {
    return { ok: false, refusal: { reason: 'reg-event-accept', headers: [['Accept', REGINFO_MEDIA_TYPE]] } }
  }
  const asked = expires(request) ?? EXPIRES_SECONDS_DEFAULT
  if (asked !== 0 && asked < EXPIRES_SECONDS_MIN && asked < EXPIRES_SECONDS_NEVER_TOO_BRIEF) {
    const headers = [['Min-Expires', String(EXPIRES_SECONDS_MIN)]] as const
    return { ok: false, refusal: { reason: 'reg-event-brief', headers } }
  }
  return { ok: true, seconds: Math.min(asked, EXPIRES_SECONDS_MAX) }
}

/**
 * The subscription that an initial SUBSCRIBE makes. An application server is told at its Contact, whatever it recorded.
 *
 * @throws SipSyntaxError when no NOTIFY could be written for it.
 */
export function newSubscription(
  request: SipRequest,
  o: {
    readonly id: string
    readonly subscriber: RegSubscriber
    readonly resource: Impu
    readonly expiresAtMs: number
    readonly epoch: number
  },
): RegSubscription {
  const { id, subscriber, resource, expiresAtMs, epoch } = o
  const dialog = createUasDialog(request, id)
  const routeSet = subscriber.kind === 'as' ? [] : dialog.routeSet
  parseSipUri(dialog.remoteTarget)
  for (const route of routeSet) parseSipUri(parseNameAddr(route, 'Record-Route').uri)
  createDialogRequest({ ...dialog, routeSet }, 'NOTIFY', 1)
  const { callId, remoteTag, localUri, remoteUri, remoteTarget, remoteCseq } = dialog
  return {
    ...subscriber,
    id,
    resource,
    eventId: event(request).id ?? '',
    callId,
    remoteTag,
    localUri,
    remoteUri,
    remoteTarget,
    routeSet,
    remoteCseq,
    expiresAtMs,
    notifyBase: { cseq: 0, epoch },
  }
}

/** Where NOTIFYs to who sent `request` go. @throws SipSyntaxError */
export function contactHostOf(request: SipRequest): string {
  return parseSipUri(contact(request).uri).host.toLowerCase()
}
