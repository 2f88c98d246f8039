import { AT, COLON, EQUAL, endOf, isTokenEqual, octetSet, SEMICOLON } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { formatHostPort, parseHostPort } from './host-port.ts'
import { URI_OCTETS_MAX } from './limits.ts'
import { addParam, formatParams, type NewParams, NO_PARAMS, type Params, paramName } from './params.ts'

/** A SIP or SIPS URI, its parts as they came: escapes stay. */
export interface SipUri {
  readonly scheme: 'sip' | 'sips'
  readonly user: string | undefined
  readonly password?: string | undefined
  /** An IPv6 reference has its brackets. */
  readonly host: string
  readonly port: number | undefined
  /** Names in lower case. */
  readonly params: Params
  /** What stands behind `?`. */
  readonly headers: string | undefined
}

const UNRESERVED = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()%"
const USER = octetSet(`${UNRESERVED}&=+$,;?/`)
const PASSWORD = octetSet(`${UNRESERVED}&=+$,`)
const PARAM = octetSet(`${UNRESERVED}[]/:&+$`)
const HEADERS = octetSet(`${UNRESERVED}[]/?:+$&=`)

/** `reserved` of RFC 3261 section 25.1, and the escape's own sign. */
const RESERVED = ';/?:@&=+$,%'

/** Parameters that make two URIs differ when only one has them (RFC 3261 section 19.1.4, rules and examples). */
const NEVER_OPTIONAL = ['user', 'ttl', 'method', 'maddr', 'transport']

/**
 * Reads a SIP or SIPS URI.
 *
 * @throws SipSyntaxError also for another scheme.
 * @see RFC 3261 section 19.1.1
 */
export function parseSipUri(text: string): SipUri {
  if (text.length > URI_OCTETS_MAX) throw new SipSyntaxError('URI', `has over ${URI_OCTETS_MAX} octets`)
  const schemeEnd = text.indexOf(':')
  const scheme = text.slice(0, Math.max(0, schemeEnd)).toLowerCase()
  if (scheme !== 'sip' && scheme !== 'sips') throw new SipSyntaxError('URI', 'is neither sip nor sips')
  // No part behind the user part may hold an @ that is not escaped.
  const at = text.indexOf('@', schemeEnd)
  const { user, password } = at < 0 ? NO_USER : parseUser(text, schemeEnd + 1, at)
  const { host, port, end } = parseHostPort(text, at < 0 ? schemeEnd + 1 : at + 1, 'URI')
  const question = text.indexOf('?', end)
  const paramsEnd = question < 0 ? text.length : question
  const params = parseUriParams(text, end, paramsEnd)
  const headers = question < 0 ? undefined : text.slice(question + 1)
  if (headers !== undefined && (headers === '' || !isMadeOf(HEADERS, headers))) {
    throw new SipSyntaxError('URI', 'has headers that are none')
  }
  return password === undefined
    ? { scheme, user, host, port, params, headers }
    : { scheme, user, password, host, port, params, headers }
}

const NO_USER: { user: string | undefined; password: string | undefined } = { user: undefined, password: undefined }

function parseUser(text: string, from: number, at: number): { user: string; password: string | undefined } {
  const userEnd = endOf(USER, text, from)
  if (userEnd === from) throw new SipSyntaxError('URI', 'has an empty user part')
  const user = text.slice(from, userEnd)
  checkEscapes(user)
  if (userEnd === at) return { user, password: undefined }
  const isPassword = text.charCodeAt(userEnd) === COLON && endOf(PASSWORD, text, userEnd + 1) === at
  if (!isPassword || text.charCodeAt(at) !== AT) throw new SipSyntaxError('URI', 'has a user part that is none')
  const password = text.slice(userEnd + 1, at)
  checkEscapes(password)
  return { user, password }
}

function parseUriParams(text: string, from: number, end: number): Params {
  if (from >= end) return NO_PARAMS
  const params: NewParams = new Map()
  for (let at = from; at < end; ) {
    if (text.charCodeAt(at) !== SEMICOLON) throw new SipSyntaxError('URI', 'has text behind its host')
    const nameEnd = Math.min(end, endOf(PARAM, text, at + 1))
    const name = paramName(text, at + 1, nameEnd)
    if (name === '' || !hasGoodEscapes(name)) throw new SipSyntaxError('URI', 'has a parameter without name')
    at = nameEnd
    let value: string | true = true
    if (text.charCodeAt(at) === EQUAL && at < end) {
      at = Math.min(end, endOf(PARAM, text, nameEnd + 1))
      value = text.slice(nameEnd + 1, at)
      if (value === '' || !hasGoodEscapes(value)) throw new SipSyntaxError('URI', `has no value for ${name}`)
    }
    addParam(params, name, value, 'URI')
  }
  return params
}

function isMadeOf(set: Uint8Array, text: string): boolean {
  return endOf(set, text, 0) === text.length && hasGoodEscapes(text)
}

function checkEscapes(text: string): void {
  if (!hasGoodEscapes(text)) throw new SipSyntaxError('URI', 'has an escape that is none')
}

function hasGoodEscapes(text: string): boolean {
  return !text.includes('%') || !/%(?![0-9A-Fa-f]{2})/.test(text)
}

/** The inverse of `parseSipUri`. */
export function formatSipUri(uri: SipUri): string {
  const password = uri.password === undefined ? '' : `:${uri.password}`
  const user = uri.user === undefined ? '' : `${uri.user}${password}@`
  const headers = uri.headers === undefined ? '' : `?${uri.headers}`
  return `${uri.scheme}:${user}${formatHostPort(uri.host, uri.port)}${formatParams(uri.params)}${headers}`
}

/**
 * Whether two URIs are the same: user part with regard to case, the rest without; escapes undone; a port or one of
 * `user`, `ttl`, `method`, `maddr`, `transport` in one only makes them differ, other parameters in one only do not;
 * `?headers` must be the same in any order. URIs that are no SIP URIs are the same when they read the same but for the
 * scheme's case.
 *
 * @see RFC 3261 section 19.1.4
 */
export function sameSipUri(a: string, b: string): boolean {
  if (a === b) return true
  const first = readSipUri(a)
  const second = readSipUri(b)
  if (!first || !second) return !first && !second && withoutSchemeCase(a) === withoutSchemeCase(b)
  return (
    first.scheme === second.scheme &&
    isSameText(first.user, second.user) &&
    isSameText(first.password, second.password) &&
    isTokenEqual(first.host, second.host) &&
    first.port === second.port &&
    haveSameParams(first.params, second.params) &&
    haveSameHeaders(first.headers, second.headers)
  )
}

function readSipUri(text: string): SipUri | undefined {
  try {
    return parseSipUri(text)
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

function withoutSchemeCase(text: string): string {
  const end = text.indexOf(':')
  return text.slice(0, Math.max(0, end)).toLowerCase() + text.slice(Math.max(0, end))
}

function isSameText(a: string | undefined, b: string | undefined): boolean {
  return a === b || (a !== undefined && b !== undefined && normalised(a) === normalised(b))
}

/**
 * Undoes escapes that change nothing. Those of `reserved` characters stay: escaped they mean themselves, bare they
 * separate. So does that of `%`, or two different texts would become one.
 */
function normalised(text: string): string {
  if (!text.includes('%')) return text
  return text.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const char = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return RESERVED.includes(char) ? escaped.toUpperCase() : char
  })
}

function haveSameParams(a: Params, b: Params): boolean {
  for (const [name, value] of a) {
    const other = b.get(name)
    if (other === undefined) continue
    if (value === true || other === true ? value !== other : !isTokenEqual(normalised(value), normalised(other))) {
      return false
    }
  }
  return NEVER_OPTIONAL.every((name) => a.has(name) === b.has(name))
}

function haveSameHeaders(a: string | undefined, b: string | undefined): boolean {
  if (a === b) return true
  if (a === undefined || b === undefined) return false
  return sortedHeaders(a) === sortedHeaders(b)
}

function sortedHeaders(text: string): string {
  const fields = text.split('&').map((field) => {
    const equal = field.indexOf('=')
    const name = equal < 0 ? field : field.slice(0, equal)
    return `${normalised(name).toLowerCase()}=${equal < 0 ? '' : normalised(field.slice(equal + 1))}`
  })
  return JSON.stringify(fields.sort())
}
