import {
  createDialogRequest,
  formatEvent,
  formatSubscriptionState,
  parseNameAddr,
  parseSipUri,
  type SipRequest,
} from '@rollcall/sip'
import { NOTIFY_MEDIA_TYPES } from '../actor/subscribe.ts'
import { type Notice, noticeBody } from '../partition/notice.ts'
import { partitionContact } from './contact.ts'

/** What a NOTIFY needs besides its notice. */
export interface NotifyFields {
  readonly cseq: number
  readonly partition: number
  readonly host: string
  readonly branch: string
  readonly nowMs: number
}

/**
 * Builds a NOTIFY: in the dialog, along its recorded route, with the state that the notice caught.
 *
 * @see RFC 6665 sections 4.1.3 and 4.2.2; RFC 3261 section 12.2.1.1
 */
export function createNotify(notice: Notice, fields: NotifyFields): SipRequest {
  const { subscription } = notice
  const { cseq, partition, host, branch, nowMs } = fields
  const dialog = { ...subscription.dialog, localTag: subscription.id, localCseq: cseq - 1 }
  const request = createDialogRequest(dialog, 'NOTIFY', cseq)
  const { headers } = request
  headers.prepend('Via', `SIP/2.0/TLS ${host};branch=${branch}`)
  headers.add('Contact', partitionContact(partition, host))
  headers.add('Event', formatEvent({ package: subscription.eventPackage, id: subscription.eventId || undefined }))
  headers.add('Subscription-State', subscriptionState(notice, nowMs))
  // Each document of watcher information has a higher version than the one before, over owners, too: as the CSeqs do.
  const body = noticeBody(notice, cseq - 1, nowMs)
  if (body) {
    headers.add('Content-Type', NOTIFY_MEDIA_TYPES[subscription.eventPackage])
    request.body = body
  }
  return request
}

/** Host of the node that a request along this route goes to first. */
export function nextHop(remoteTarget: string, routeSet: readonly string[]): string {
  const [first] = routeSet
  return parseSipUri(first === undefined ? remoteTarget : parseNameAddr(first, 'Route').uri).host
}

/**
 * Checks that NOTIFYs can be built for what a SUBSCRIBE gives as their way, before it is stored.
 *
 * @throws SipSyntaxError
 */
export function checkNotifyPath(remoteTarget: string, routeSet: readonly string[]): void {
  parseSipUri(remoteTarget)
  for (const route of routeSet) parseSipUri(parseNameAddr(route, 'Record-Route').uri)
  const tags = { localTag: 'l', remoteTag: 'r' }
  const numbers = { localCseq: 0, remoteCseq: 0 }
  const dialog = { ...tags, ...numbers, callId: 'c', localUri: 'sip:l', remoteUri: 'sip:r', remoteTarget, routeSet }
  createDialogRequest(dialog, 'NOTIFY', 1)
}

function subscriptionState({ subscription, ended }: Notice, nowMs: number): string {
  if (ended) return formatSubscriptionState({ state: 'terminated', reason: ended })
  const expiresSeconds = Math.max(0, Math.ceil((subscription.expiresAtMs - nowMs) / 1_000))
  return formatSubscriptionState({ state: subscription.handling === 'confirm' ? 'pending' : 'active', expiresSeconds })
}
