import { BRACKET_OPEN, COLON, endOf, hostNameEnd, IPV6_INSIDE, parsePort } from './chars.ts'
import { SipSyntaxError } from './errors.ts'

export interface HostPort {
  /** A name, an IPv4 address, or an IPv6 reference with its brackets; spelled as it came. */
  readonly host: string
  readonly port: number | undefined
  /** Index behind it. */
  readonly end: number
}

/**
 * Reads `host [ ":" port ]` at `from`. No blanks inside.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 25.1
 */
export function parseHostPort(text: string, from: number, header: string): HostPort {
  const hostEnd = hostEndIn(text, from)
  if (hostEnd <= from) throw new SipSyntaxError(header, 'has no host')
  const host = text.slice(from, hostEnd)
  if (text.charCodeAt(hostEnd) !== COLON) return { host, port: undefined, end: hostEnd }
  let end = hostEnd + 1
  while (end < text.length && isDigit(text.charCodeAt(end))) end++
  const port = parsePort(text.slice(hostEnd + 1, end))
  if (port < 0) throw new SipSyntaxError(header, 'has a port that is none')
  return { host, port, end }
}

function hostEndIn(text: string, from: number): number {
  if (text.charCodeAt(from) !== BRACKET_OPEN) return hostNameEnd(text, from)
  const inside = endOf(IPV6_INSIDE, text, from + 1)
  const firstColon = text.indexOf(':', from)
  return firstColon > 0 && firstColon < inside && text[inside] === ']' ? inside + 1 : -1
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

export function formatHostPort(host: string, port: number | undefined): string {
  return port === undefined ? host : `${host}:${port}`
}
