import { isToken, QUOTE, tokenEnd } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { formatParams, type Params, parseParams } from '../params.ts'
import { quote, quotedEnd, unquote } from '../quoted-string.ts'
import { elementsOf, joinElements } from './elements.ts'

/** One element of P-Visited-Network-ID: a network that a UE roams in. */
export interface VisitedNetworkId {
  /** Without quotes and escapes. */
  readonly id: string
  readonly params?: Params | undefined
}

const HEADER = 'P-Visited-Network-ID'

/**
 * Reads P-Visited-Network-ID: tokens or quoted strings.
 *
 * @throws SipSyntaxError
 * @see RFC 7315 sections 4.3 and 5.3
 */
export function parseVisitedNetworkIds(lines: readonly string[]): VisitedNetworkId[] {
  return elementsOf(lines, HEADER).map((element) => {
    const end = element.charCodeAt(0) === QUOTE ? quotedEnd(element, 0) : tokenEnd(element, 0)
    if (end <= 0) throw new SipSyntaxError(HEADER, 'names no network')
    return { id: unquote(element.slice(0, end)), params: parseParams(element, end, HEADER) }
  })
}

/** The inverse: one line; in quotes what is no token. */
export function formatVisitedNetworkIds(networks: readonly VisitedNetworkId[]): string {
  return joinElements(
    networks.map(({ id, params }) => (isToken(id) ? id : quote(id)) + formatParams(params ?? new Map())),
  )
}
