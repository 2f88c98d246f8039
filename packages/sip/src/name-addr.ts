import { endOf, GREATER_THAN, LESS_THAN, LongRun, QUOTE, schemeEnd, skipBlanks, TOKEN, trimmed } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { URI_OCTETS_MAX } from './limits.ts'
import { formatParams, type Params, parseParams } from './params.ts'
import { quote, quotedEnd, unquote } from './quoted-string.ts'

/**
 * One element of From, To, Contact, Route, Record-Route, Path, Service-Route, P-Asserted-Identity,
 * P-Preferred-Identity, P-Associated-URI: `"display name" <uri>;parameters`.
 */
export interface NameAddr {
  /** Without quotes and escapes; undefined when there is none. */
  readonly displayName: string | undefined
  /** As it came. */
  readonly uri: string
  /** The header's parameters, not the URI's. */
  readonly params: Params
}

/** Tokens and the blanks between them: a display name without quotes. */
const UNQUOTED_NAME = new Uint8Array(TOKEN)
UNQUOTED_NAME[0x20] = 1
UNQUOTED_NAME[0x09] = 1

/** What a URI of whatever scheme is made of: printable octets without blanks, quotes and angle brackets. */
const URI = new LongRun(printable().replace(/["<>]/g, ''))

/** The same without what needs angle brackets around a URI (RFC 3261 section 20), and without what ends a bare one. */
const BARE_URI = new LongRun(printable().replace(/["<>,;?\\]/g, ''))

function printable(): string {
  return Array.from({ length: 0x7f - 0x21 }, (_, index) => String.fromCharCode(0x21 + index)).join('')
}

/**
 * Reads one element. `header` names the header field in errors.
 *
 * @throws SipSyntaxError also for `*`, which a Contact may be: ask for that first.
 * @see RFC 3261 section 25.1 (name-addr, addr-spec)
 */
export function parseNameAddr(text: string, header = 'name-addr'): NameAddr {
  const start = skipBlanks(text, 0)
  if (text.charCodeAt(start) === QUOTE) {
    const nameEnd = quotedEnd(text, start)
    const open = skipBlanks(text, nameEnd)
    if (nameEnd < 0 || text.charCodeAt(open) !== LESS_THAN)
      throw new SipSyntaxError(header, 'has a display name without URI')
    return parseBracketed(text, open, unquote(text.slice(start, nameEnd)), header)
  }
  const nameEnd = endOf(UNQUOTED_NAME, text, start)
  if (text.charCodeAt(nameEnd) === LESS_THAN) {
    const name = trimmed(text, start, nameEnd)
    return parseBracketed(text, nameEnd, name === '' ? undefined : name, header)
  }
  return parseBare(text, start, header)
}

function parseBracketed(text: string, open: number, displayName: string | undefined, header: string): NameAddr {
  const close = uriEnd(URI, text, open + 1, header)
  if (text.charCodeAt(close) !== GREATER_THAN) throw new SipSyntaxError(header, 'has no URI in its angle brackets')
  return { displayName, uri: text.slice(open + 1, close), params: parseParams(text, close + 1, header) }
}

/** Without angle brackets, what follows the first semicolon belongs to the header (RFC 3261 section 20.10). */
function parseBare(text: string, start: number, header: string): NameAddr {
  const end = uriEnd(BARE_URI, text, start, header)
  return { displayName: undefined, uri: text.slice(start, end), params: parseParams(text, end, header) }
}

/** Where the URI that starts at `from` ends: a scheme, a colon, and a run of characters. */
function uriEnd(run: LongRun, text: string, from: number, header: string): number {
  const colon = schemeEnd(text, from)
  const end = colon < 0 ? -1 : run.end(text, colon + 1)
  if (end <= colon + 1) throw new SipSyntaxError(header, 'has no URI')
  if (end - from > URI_OCTETS_MAX) throw new SipSyntaxError(header, `has a URI of over ${URI_OCTETS_MAX} octets`)
  return end
}

/** Always with angle brackets: then no parameter can change sides. */
export function formatNameAddr(value: NameAddr): string {
  const name = value.displayName === undefined ? '' : `${quote(value.displayName)} `
  return `${name}<${value.uri}>${formatParams(value.params)}`
}

/** `text`, a From or To, with this tag if it has none. One that cannot be read stays as it is. */
export function withTag(text: string, tag: string): string {
  try {
    return parseNameAddr(text).params.has('tag') ? text : `${text};tag=${tag}`
  } catch (error) {
    if (error instanceof SipSyntaxError) return text
    throw error
  }
}
