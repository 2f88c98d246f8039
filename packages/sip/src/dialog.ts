import { CSEQ_LIMIT } from './cseq.ts'
import { SipSyntaxError } from './errors.ts'
import { createRequest, type SipMessage, type SipRequest, type SipResponse } from './message.ts'
import { callId, contact, cseq, fromTag, fromUri, toTag, toUri } from './message-fields.ts'
import { parseNameAddr } from './name-addr.ts'
import { ownText } from './own-text.ts'
import { formatSipUri, parseSipUri } from './sip-uri.ts'

/** A dialog as a plain value: it is stored in records. */
export interface Dialog {
  readonly callId: string
  readonly localTag: string
  readonly remoteTag: string
  readonly localUri: string
  readonly remoteUri: string
  /** The peer's Contact: the Request-URI of what is sent to it. */
  readonly remoteTarget: string
  /** Elements of Route, in their order, as they were recorded. */
  readonly routeSet: readonly string[]
  /** CSeq number of the last request that we sent; 0 before the first. */
  readonly localCseq: number
  /** CSeq number of the last request that came; 0 before the first. */
  readonly remoteCseq: number
}

/** How far a request in a dialog may go (RFC 3261 section 8.1.1.6). */
const MAX_FORWARDS = '70'

/**
 * The notifier's dialog, out of a SUBSCRIBE that is about to be answered with `localTag`.
 *
 * @throws SipSyntaxError when the request has no From tag or not exactly one Contact.
 * @see RFC 3261 section 12.1.1
 */
export function createUasDialog(request: SipRequest, localTag: string): Dialog {
  return detached({
    callId: callId(request),
    localTag,
    remoteTag: requiredTag(fromTag(request), 'From'),
    localUri: toUri(request),
    remoteUri: fromUri(request),
    remoteTarget: contact(request).uri,
    routeSet: request.headers.list('Record-Route'),
    localCseq: 0,
    remoteCseq: cseq(request).sequence,
  })
}

/**
 * The subscriber's dialog, out of its SUBSCRIBE and the 2xx to it.
 *
 * @throws SipSyntaxError when the response has no To tag or not exactly one Contact.
 * @see RFC 3261 section 12.1.2
 */
export function createUacDialog(request: SipRequest, response: SipResponse): Dialog {
  return detached({
    callId: callId(request),
    localTag: requiredTag(fromTag(request), 'From'),
    remoteTag: requiredTag(toTag(response), 'To'),
    localUri: fromUri(request),
    remoteUri: toUri(request),
    remoteTarget: contact(response).uri,
    routeSet: response.headers.list('Record-Route').toReversed(),
    localCseq: cseq(request).sequence,
    remoteCseq: 0,
  })
}

/**
 * The subscriber's dialog, out of its SUBSCRIBE and the NOTIFY to it, which may come before the 2xx. The route is the
 * NOTIFY's, in its order: of that request we are the UAS.
 *
 * @throws SipSyntaxError when the NOTIFY has no From tag or not exactly one Contact.
 * @see RFC 6665 section 4.4.1
 */
export function createUacDialogFromNotify(subscribe: SipRequest, notify: SipRequest): Dialog {
  return detached({
    callId: callId(subscribe),
    localTag: requiredTag(fromTag(subscribe), 'From'),
    remoteTag: requiredTag(fromTag(notify), 'From'),
    localUri: fromUri(subscribe),
    remoteUri: toUri(subscribe),
    remoteTarget: contact(notify).uri,
    routeSet: notify.headers.list('Record-Route'),
    localCseq: cseq(subscribe).sequence,
    remoteCseq: cseq(notify).sequence,
  })
}

/** Whether `request`, which came in, belongs to the dialog (RFC 3261 section 12.2.2). */
export function dialogMatches(dialog: Dialog, request: SipRequest): boolean {
  return (
    callId(request) === dialog.callId && toTag(request) === dialog.localTag && fromTag(request) === dialog.remoteTag
  )
}

/**
 * The dialog after a request in it came: its CSeq is the peer's newest, and its Contact, if it has one, is where the
 * peer is reached from now on, since SUBSCRIBE and NOTIFY both refresh the target. Undefined when the request is out of
 * order: answer 500 and leave the dialog as it is.
 *
 * @see RFC 3261 section 12.2.2; RFC 6665 sections 4.1.2.1 and 4.2.2
 */
export function advanceDialog(dialog: Dialog, request: SipRequest): Dialog | undefined {
  const remoteCseq = cseq(request).sequence
  if (remoteCseq <= dialog.remoteCseq && dialog.remoteCseq !== 0) return undefined
  return { ...withTarget(dialog, request), remoteCseq }
}

/** The dialog with the Contact of a response or request, if it has one (RFC 3261 section 12.2.1.2). */
export function withTarget(dialog: Dialog, message: SipMessage): Dialog {
  if (!message.headers.has('Contact')) return dialog
  const remoteTarget = contact(message).uri
  return remoteTarget === dialog.remoteTarget ? dialog : { ...dialog, remoteTarget: ownText(remoteTarget) }
}

/**
 * A request in the dialog: Request-URI, Route, Max-Forwards, From, To, Call-ID, CSeq. Via, Contact and what the method
 * wants are the caller's. Where the first of the route is a strict router (no `lr`), it becomes the Request-URI and the
 * target the last Route.
 *
 * @throws SipSyntaxError when the dialog's own values cannot be a request, or `cseq` is not below 2^31.
 * @see RFC 3261 section 12.2.1.1
 */
export function createDialogRequest(dialog: Dialog, method: string, cseq: number): SipRequest {
  if (!Number.isInteger(cseq) || cseq < 0 || cseq >= CSEQ_LIMIT) throw new SipSyntaxError('CSeq', 'is not below 2^31')
  const { uri, routes } = routeOf(dialog)
  const headers: [string, string][] = routes.map((route) => ['Route', route])
  headers.push(
    ['Max-Forwards', MAX_FORWARDS],
    ['From', `<${dialog.localUri}>;tag=${dialog.localTag}`],
    ['To', `<${dialog.remoteUri}>;tag=${dialog.remoteTag}`],
    ['Call-ID', dialog.callId],
    ['CSeq', `${cseq} ${method}`],
  )
  return createRequest(method, uri, headers)
}

function routeOf(dialog: Dialog): { uri: string; routes: readonly string[] } {
  const [first, ...rest] = dialog.routeSet
  if (first === undefined) return { uri: dialog.remoteTarget, routes: [] }
  const firstUri = parseNameAddr(first, 'Route').uri
  const parsed = parseSipUri(firstUri)
  if (parsed.params.has('lr')) return { uri: dialog.remoteTarget, routes: dialog.routeSet }
  const params = new Map(parsed.params)
  params.delete('method')
  return {
    uri: formatSipUri({ ...parsed, params, headers: undefined }),
    routes: [...rest, `<${dialog.remoteTarget}>`],
  }
}

function requiredTag(tag: string | undefined, header: string): string {
  if (tag === undefined) throw new SipSyntaxError(header, 'has no tag')
  return tag
}

/** A copy whose texts are their own: a dialog lives for hours. */
function detached(dialog: Dialog): Dialog {
  return {
    callId: ownText(dialog.callId),
    localTag: ownText(dialog.localTag),
    remoteTag: ownText(dialog.remoteTag),
    localUri: ownText(dialog.localUri),
    remoteUri: ownText(dialog.remoteUri),
    remoteTarget: ownText(dialog.remoteTarget),
    routeSet: dialog.routeSet.map(ownText),
    localCseq: dialog.localCseq,
    remoteCseq: dialog.remoteCseq,
  }
}
