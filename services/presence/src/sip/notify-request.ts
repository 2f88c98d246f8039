import {
  createDialogRequest,
  type Dialog,
  formatEvent,
  formatSubscriptionState,
  parseNameAddr,
  parseSipUri,
} from '@rollcall/sip'
import type { SubscriptionDialog } from '../actor/packed-dialog.ts'
import type { Subscription } from '../actor/state.ts'
import { NOTIFY_MEDIA_TYPES } from '../actor/subscribe.ts'
import { type Notice, noticeBody } from '../partition/notice.ts'
import { partitionContact } from './contact.ts'

/** What a NOTIFY needs besides its notice. */
export interface NotifyFields {
  readonly cseq: number
  readonly partition: number
  /** `TLS` or `UDP`, of our Via. */
  readonly transport: string
  /** Of our Via and our Contact: a host, and a port when that is not the default. */
  readonly host: string
  readonly branch: string
  readonly nowMs: number
}

/** How far a NOTIFY may go (RFC 3261 section 8.1.1.6). */
const MAX_FORWARDS = 70

/**
 * Writes a NOTIFY: in the subscription's dialog, along its recorded route, with the state that the notice caught.
 *
 * One change of presence is told to thousands, so this writes octets and makes no message first: everything in them was
 * read out of a message or checked by `checkNotifyPath`. The body is composed once for all watchers (actor/view). A test
 * holds the octets against those of the serializer.
 *
 * @see RFC 6665 sections 4.1.3 and 4.2.2; RFC 3261 section 12.2.1.1
 */
export function writeNotify(notice: Notice, dialog: SubscriptionDialog, fields: NotifyFields): Buffer {
  const { subscription } = notice
  const { cseq, partition, transport, host, branch, nowMs } = fields
  const { callId, remoteTag, localUri, remoteUri, remoteTarget, routeSet } = dialog
  const { uri, routes } = routeOf(remoteTarget, routeSet)
  // Each document of watcher information has a higher version than the one before, over owners, too: as the CSeqs do.
  const body = noticeBody(notice, cseq - 1, nowMs)
  const head =
    `NOTIFY ${uri} SIP/2.0\r\nVia: SIP/2.0/${transport} ${host};branch=${branch}\r\n${routes}` +
    `Max-Forwards: ${MAX_FORWARDS}\r\nFrom: <${localUri}>;tag=${subscription.id}\r\n` +
    `To: <${remoteUri}>;tag=${remoteTag}\r\nCall-ID: ${callId}\r\nCSeq: ${cseq} NOTIFY\r\n` +
    `Contact: ${partitionContact(partition, host)}\r\nEvent: ${eventOf(subscription)}\r\n` +
    `Subscription-State: ${subscriptionState(notice, nowMs)}\r\n`
  if (!body) return Buffer.from(`${head}Content-Length: 0\r\n\r\n`, 'latin1')
  const type = NOTIFY_MEDIA_TYPES[subscription.eventPackage]
  const whole = `${head}Content-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`
  const octets = Buffer.allocUnsafe(whole.length + body.length)
  octets.write(whole, 0, 'latin1')
  octets.set(body, whole.length)
  return octets
}

/** Where a request goes first. */
export interface NextHop {
  readonly host: string
  /** Absent where the route names none. */
  readonly port: number | undefined
}

/** Next hops that are remembered; when there are more, all are found anew. */
const HOPS_MAX = 4_096
const hops = new Map<string, NextHop>()

/** The node that a request along the dialog's route goes to first: the topmost Route, else the target. */
export function nextHop({ remoteTarget, routeSet }: Pick<SubscriptionDialog, 'remoteTarget' | 'routeSet'>): NextHop {
  const [first] = routeSet
  const text = first ?? remoteTarget
  const known = hops.get(text)
  if (known) return known
  const { host, port } = parseSipUri(first === undefined ? remoteTarget : parseNameAddr(first, 'Route').uri)
  if (hops.size >= HOPS_MAX) hops.clear()
  const hop = { host, port }
  hops.set(text, hop)
  return hop
}

/**
 * Checks that NOTIFYs can be written for what a SUBSCRIBE gives as their way, before it is stored.
 *
 * @throws SipSyntaxError
 */
export function checkNotifyPath(remoteTarget: string, routeSet: readonly string[]): void {
  parseSipUri(remoteTarget)
  for (const route of routeSet) parseSipUri(parseNameAddr(route, 'Record-Route').uri)
  createDialogRequest(dialogAlong(remoteTarget, routeSet), 'NOTIFY', 1)
}

/** The Request-URI, and the lines of Route. */
function routeOf(remoteTarget: string, routeSet: readonly string[]): { uri: string; routes: string } {
  const [first] = routeSet
  if (first === undefined) return { uri: remoteTarget, routes: '' }
  if (isLoose(first)) return { uri: remoteTarget, routes: routeLines(routeSet) }
  const request = createDialogRequest(dialogAlong(remoteTarget, routeSet), 'NOTIFY', 1)
  return { uri: request.uri, routes: routeLines(request.headers.getAll('Route')) }
}

function routeLines(routes: readonly string[]): string {
  let lines = ''
  for (const route of routes) lines += `Route: ${route}\r\n`
  return lines
}

/** A route as nearly everybody writes it: then there is no need to read it. */
function isLoose(route: string): boolean {
  return route.startsWith('<sip:') && route.endsWith(';lr>')
}

/** A dialog whose route is all that matters. */
function dialogAlong(remoteTarget: string, routeSet: readonly string[]): Dialog {
  const tags = { localTag: 'l', remoteTag: 'r' }
  const numbers = { localCseq: 0, remoteCseq: 0 }
  return { ...tags, ...numbers, callId: 'c', localUri: 'sip:l', remoteUri: 'sip:r', remoteTarget, routeSet }
}

function eventOf({ eventPackage, eventId }: Subscription): string {
  return eventId === '' ? eventPackage : formatEvent({ package: eventPackage, id: eventId })
}

function subscriptionState({ subscription, ended }: Notice, nowMs: number): string {
  if (ended) return formatSubscriptionState({ state: 'terminated', reason: ended })
  const expiresSeconds = Math.max(0, Math.ceil((subscription.expiresAtMs - nowMs) / 1_000))
  return `${subscription.handling === 'confirm' ? 'pending' : 'active'};expires=${expiresSeconds}`
}
