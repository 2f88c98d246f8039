import { endOf, isBlank, octetSet, QUOTE, skipBlanks, TOKEN, trimmed } from './chars.ts'
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

/** What ends a URI that stands without angle brackets: with one of these it needs them (RFC 3261 section 20). */
const NOT_BARE = octetSet(',?<>"\\ \t')

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
    if (nameEnd < 0 || text[open] !== '<') throw new SipSyntaxError(header, 'has a display name without URI')
    return parseBracketed(text, open, unquote(text.slice(start, nameEnd)), header)
  }
  const nameEnd = endOf(UNQUOTED_NAME, text, start)
  if (text[nameEnd] === '<') {
    const name = trimmed(text, start, nameEnd)
    return parseBracketed(text, nameEnd, name === '' ? undefined : name, header)
  }
  return parseBare(text, start, header)
}

function parseBracketed(text: string, open: number, displayName: string | undefined, header: string): NameAddr {
  const close = text.indexOf('>', open)
  if (close < 0) throw new SipSyntaxError(header, 'has no closing angle bracket')
  const uri = text.slice(open + 1, close)
  checkUri(uri, header)
  return { displayName, uri, params: parseParams(text, close + 1, header) }
}

/** Without angle brackets, what follows the first semicolon belongs to the header (RFC 3261 section 20.10). */
function parseBare(text: string, start: number, header: string): NameAddr {
  const semicolon = text.indexOf(';', start)
  let end = semicolon < 0 ? text.length : semicolon
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--
  const uri = text.slice(start, end)
  for (let at = 0; at < uri.length; at++) {
    if (NOT_BARE[uri.charCodeAt(at)] === 1) throw new SipSyntaxError(header, 'needs angle brackets around its URI')
  }
  checkUri(uri, header)
  return { displayName: undefined, uri, params: parseParams(text, end, header) }
}

/** A scheme, a colon, something behind it; printable octets without blanks and angle brackets. */
function checkUri(uri: string, header: string): void {
  if (uri.length > URI_OCTETS_MAX) throw new SipSyntaxError(header, `has a URI of over ${URI_OCTETS_MAX} octets`)
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\0-\x20\x7f-\uffff<>"]+$/.test(uri)) throw new SipSyntaxError(header, 'has no URI')
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
