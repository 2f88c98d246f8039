import { parseNameAddr, parseSipUri, type SipHeaders, type SipUri } from '@rollcall/sip'
import { hostText, isHostAddress } from '../edge/host-text.ts'

/** How our own entries in a Route look. */
export interface OwnAddress {
  /** Towards the core. */
  readonly host: string
  /** Towards UEs. */
  readonly address: string
  readonly portPs: number
}

/** A Route, taken apart. */
export interface TakenRoute {
  /** User parts of our own core-facing entries at the top: flow tokens. */
  readonly tokens: readonly string[]
  /** The header field values behind our own. */
  readonly rest: readonly string[]
}

/**
 * Takes our own entries off the top of Route. There are up to two, as we record-route twice, once for each side.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 16.4; RFC 5658 section 3
 */
export function takeOwnRoutes(headers: SipHeaders, own: OwnAddress): TakenRoute {
  return takeOwnRoutesOf(headers.list('Route'), own)
}

/** The same of a list of values. */
export function takeOwnRoutesOf(values: readonly string[], own: OwnAddress): TakenRoute {
  const rest = [...values]
  const tokens: string[] = []
  for (let value = rest[0]; value !== undefined; value = rest[0]) {
    const uri = parseSipUri(parseNameAddr(value, 'Route').uri)
    if (!isOwn(uri, own)) break
    if (uri.host.toLowerCase() === own.host && uri.user !== undefined) tokens.push(uri.user)
    rest.shift()
  }
  for (const value of rest) parseNameAddr(value, 'Route')
  return { tokens, rest }
}

/** The two entries that we record: the topmost, nearest to the core, first. */
export function recordRoutes(own: OwnAddress, token: string): readonly string[] {
  return [`<sip:${token}@${own.host};lr>`, `<sip:${hostText(own.address)}:${own.portPs};lr>`]
}

/** The host that a Route value names, in lower case. */
export function routeHost(value: string): string {
  return parseSipUri(parseNameAddr(value, 'Route').uri).host.toLowerCase()
}

/**
 * The UE's own words for us vary: with our name, or our address, whatever the port, since a UE may put there the one
 * that it found us by.
 */
function isOwn(uri: SipUri, own: OwnAddress): boolean {
  const host = uri.host.toLowerCase()
  return host === own.host || isHostAddress(host, own.address)
}
