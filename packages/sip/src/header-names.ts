import { COLON, isToken } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { InPlaceNames } from './in-place-names.ts'

/** Long names with their compact form (RFC 3261 section 7.3.3, RFC 6665, RFC 3515, RFC 3841, RFC 4028, RFC 8224). */
const COMPACT = {
  'Accept-Contact': 'a',
  'Allow-Events': 'u',
  'Call-ID': 'i',
  Contact: 'm',
  'Content-Encoding': 'e',
  'Content-Length': 'l',
  'Content-Type': 'c',
  Event: 'o',
  From: 'f',
  Identity: 'y',
  'Refer-To': 'r',
  'Referred-By': 'b',
  'Reject-Contact': 'j',
  'Request-Disposition': 'd',
  'Session-Expires': 'x',
  Subject: 's',
  Supported: 'k',
  To: 't',
  Via: 'v',
} as const

/** Names without compact form that pass through an IMS presence stack: known so that they are found without work. */
const LONG = [
  'Accept',
  'Accept-Encoding',
  'Accept-Language',
  'Alert-Info',
  'Allow',
  'Authentication-Info',
  'Authorization',
  'CSeq',
  'Call-Info',
  'Content-Disposition',
  'Content-Language',
  'Date',
  'Error-Info',
  'Expires',
  'Feature-Caps',
  'Flow-Timer',
  'Geolocation',
  'History-Info',
  'In-Reply-To',
  'MIME-Version',
  'Max-Forwards',
  'Min-Expires',
  'Organization',
  'P-Access-Network-Info',
  'P-Asserted-Identity',
  'P-Associated-URI',
  'P-Called-Party-ID',
  'P-Charging-Function-Addresses',
  'P-Charging-Vector',
  'P-Preferred-Identity',
  'P-Served-User',
  'P-Visited-Network-ID',
  'Path',
  'Priority',
  'Privacy',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Require',
  'Reason',
  'Record-Route',
  'Reply-To',
  'Require',
  'Retry-After',
  'Route',
  'SIP-ETag',
  'SIP-If-Match',
  'Security-Client',
  'Security-Server',
  'Security-Verify',
  'Server',
  'Service-Route',
  'Subscription-State',
  'Suppress-If-Match',
  'Timestamp',
  'Unsupported',
  'User-Agent',
  'WWW-Authenticate',
  'Warning',
] as const

/** Each known spelling (as the standard writes it, in lower case, compact in both cases) to the long name. */
const KNOWN = new Map<string, string>()
for (const name of LONG) KNOWN.set(name, name).set(name.toLowerCase(), name)
for (const [name, compact] of Object.entries(COMPACT)) {
  KNOWN.set(name, name).set(name.toLowerCase(), name).set(compact, name).set(compact.toUpperCase(), name)
}

/** Long names in lower case to their compact form. */
const COMPACT_BY_LONG: ReadonlyMap<string, string> = new Map(
  Object.entries(COMPACT).map(([name, compact]) => [name.toLowerCase(), compact]),
)

/** The compact form of a long name, in whatever case it is written (RFC 3261 section 7.3.3). */
export function compactForm(name: string): string | undefined {
  return COMPACT_BY_LONG.get(name.toLowerCase())
}

/** What the parser looks for in place, without cutting the name out; what comes most often goes first. */
const IN_PLACE = new InPlaceNames([...Object.keys(COMPACT), ...LONG])

/** The known name that stands in `text` at `from` in the standard's spelling, its colon right behind; else undefined. */
export function nameInPlace(text: string, from: number): string | undefined {
  return IN_PLACE.findBefore(text, from, COLON)
}

/**
 * What a header field is found by: its long name in the standard's spelling, or, if we do not know it, its name in lower
 * case.
 */
export function headerKey(name: string): string {
  return KNOWN.get(name) ?? unusualKey(name)
}

function unusualKey(name: string): string {
  const lower = name.toLowerCase()
  return KNOWN.get(lower) ?? lower
}

/** The key of a name that came from outside, or undefined when it is no token and so no name of a header field. */
export function checkedHeaderKey(name: string): string | undefined {
  return KNOWN.get(name) ?? (isToken(name) ? unusualKey(name) : undefined)
}

/** @throws SipSyntaxError when `name` is no token. */
export function requireHeaderKey(name: string): string {
  const key = checkedHeaderKey(name)
  if (key === undefined) throw new SipSyntaxError('header name', 'is no token')
  return key
}

/** How a name is written whose key is `key`: a known one as the standard does, another as it came. */
export function spelledName(key: string, name: string): string {
  return key !== name && !KNOWN.has(key) ? name : key
}
