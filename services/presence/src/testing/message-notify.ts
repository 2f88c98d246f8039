import { createDialogRequest, formatEvent, formatSubscriptionState, type SipRequest } from '@rollcall/sip'
import { dialogOf } from '../actor/state.ts'
import { NOTIFY_MEDIA_TYPES } from '../actor/subscribe.ts'
import { type Notice, noticeBody } from '../partition/notice.ts'
import { partitionContact } from '../sip/contact.ts'
import type { NotifyFields } from '../sip/notify-request.ts'

/** A NOTIFY made by the ways of packages/sip: what `writeNotify`, which writes octets, is held against. */
export function messageNotify(notice: Notice, fields: NotifyFields): SipRequest {
  const { subscription, ended } = notice
  const { cseq, partition, transport, host, branch, nowMs } = fields
  const dialog = { ...dialogOf(subscription), localTag: subscription.id, localCseq: cseq - 1 }
  const request = createDialogRequest(dialog, 'NOTIFY', cseq)
  const { headers } = request
  headers.prepend('Via', `SIP/2.0/${transport} ${host};branch=${branch}`)
  headers.add('Contact', partitionContact(partition, host))
  headers.add('Event', formatEvent({ package: subscription.eventPackage, id: subscription.eventId || undefined }))
  const expiresSeconds = Math.max(0, Math.ceil((subscription.expiresAtMs - nowMs) / 1_000))
  const state = subscription.handling === 'confirm' ? 'pending' : 'active'
  headers.add(
    'Subscription-State',
    formatSubscriptionState(ended ? { state: 'terminated', reason: ended } : { state, expiresSeconds }),
  )
  const body = noticeBody(notice, cseq - 1, nowMs)
  if (body) {
    headers.add('Content-Type', NOTIFY_MEDIA_TYPES[subscription.eventPackage])
    request.body = body
  }
  return request
}
