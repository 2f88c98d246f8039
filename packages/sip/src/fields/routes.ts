import { formatNameAddr, type NameAddr } from '../name-addr.ts'
import { elementsOf, joinElements, parseBracketedNameAddr } from './elements.ts'

/** Header fields that hold a route: one grammar. */
export type RouteHeader = 'Route' | 'Record-Route' | 'Path' | 'Service-Route'

/**
 * Reads a route, topmost first, over all its lines. Each element has angle brackets: without them `;lr` would be the
 * header's, and the router a strict one.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 sections 20.30 and 20.34; RFC 3327 section 4; RFC 3608 section 5
 */
export function parseRoutes(lines: readonly string[], header: RouteHeader): NameAddr[] {
  return elementsOf(lines, header).map((element) => parseBracketedNameAddr(element, header))
}

/** The inverse: one line. */
export function formatRoutes(routes: readonly NameAddr[]): string {
  return joinElements(routes.map(formatNameAddr))
}
