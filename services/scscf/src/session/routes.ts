import { formatNameAddr, maxForwards, parseNameAddr, parseSipUri, parseVia, type SipRequest } from '@rollcall/sip'
import type { RefusalReason } from '../refusal.ts'
import { type OwnRoute, readOwnRoute } from './own-route.ts'

/** RFC 3261 section 16.6 step 3. */
const MAX_FORWARDS_DEFAULT = 70

/** A request passes here once for each application server of two legs; one that passes more often goes round. */
const OWN_VIAS_MAX = 16

/**
 * Counts Max-Forwards down and looks for a loop.
 *
 * @throws SipSyntaxError when a header field that is looked at is malformed.
 * @see RFC 3261 section 16.3 steps 3 and 4
 */
export function checkHops(request: SipRequest, ownHost: string): RefusalReason | undefined {
  const left = maxForwards(request)
  if (left === 0) return 'too-many-hops'
  const own = request.headers.list('Via').filter((via) => isSameHost(parseVia(via).host, ownHost))
  if (own.length >= OWN_VIAS_MAX) return 'loop'
  request.headers.set('Max-Forwards', String(left === undefined ? MAX_FORWARDS_DEFAULT : left - 1))
  return undefined
}

/**
 * Takes the topmost Route off when it names this node.
 *
 * @throws SipSyntaxError when the topmost Route is malformed.
 * @see RFC 3261 section 16.4
 */
export function takeOwnRoute(request: SipRequest, ownHost: string): OwnRoute | undefined {
  const top = request.headers.list('Route')[0]
  if (top === undefined) return undefined
  const uri = parseSipUri(parseNameAddr(top, 'Route').uri)
  if (!isSameHost(uri.host, ownHost)) return undefined
  request.headers.removeFirst('Route')
  return readOwnRoute(uri.user)
}

/**
 * The host that a request goes to next: of the topmost Route, else of the Request-URI.
 *
 * @throws SipSyntaxError when that is no SIP URI.
 * @see RFC 3261 section 16.6 step 6
 */
export function nextHopHost(request: SipRequest): string {
  const top = request.headers.list('Route')[0]
  const uri = top === undefined ? request.uri : parseNameAddr(top, 'Route').uri
  return parseSipUri(uri).host.toLowerCase()
}

/** `uri` as the value of a Route, Path or identity header field. */
export function bracketed(uri: string): string {
  return formatNameAddr({ displayName: undefined, uri, params: new Map() })
}

function isSameHost(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}
