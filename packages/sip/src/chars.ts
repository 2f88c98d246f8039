/**
 * Characters of RFC 3261 section 25.1. Text is latin1: one character is one octet, so that what nobody touches leaves
 * as it came.
 */

const TAB = 0x09
export const CR = 0x0d
export const SPACE = 0x20
export const QUOTE = 0x22
export const COMMA = 0x2c
export const SLASH = 0x2f
export const COLON = 0x3a
export const SEMICOLON = 0x3b
export const LESS_THAN = 0x3c
export const EQUAL = 0x3d
export const GREATER_THAN = 0x3e
export const AT = 0x40
export const BACKSLASH = 0x5c
export const BRACKET_OPEN = 0x5b

const ALPHANUMERIC = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** A set of octets, as a table: 1 for a member. A character beyond latin1 finds `undefined`, so it is in no set. */
export function octetSet(members: string): Uint8Array {
  const set = new Uint8Array(256)
  for (const char of members) set[char.charCodeAt(0)] = 1
  return set
}

/** `token` */
export const TOKEN = octetSet(`${ALPHANUMERIC}-.!%*_+\`'~`)

/** What an unquoted parameter value is made of: `token / host`, so the brackets and colons of an IPv6 reference too. */
const PARAM_VALUE = octetSet(`${ALPHANUMERIC}-.!%*_+\`'~[]:`)

const LETTER = octetSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')

/** What a URI's scheme is made of behind its first letter. */
const SCHEME = octetSet(`${ALPHANUMERIC}+-.`)

/** What stands between the brackets of an IPv6 reference. */
export const IPV6_INSIDE = octetSet('0123456789ABCDEFabcdef:.')

/** Where the run of members of `set` that starts at `from` ends. */
export function endOf(set: Uint8Array, text: string, from: number): number {
  let at = from
  while (at < text.length && set[text.charCodeAt(at)] === 1) at++
  return at
}

/**
 * A set of characters of which long runs are common: URIs, host names. What `endOf` finds, by the regular expression
 * engine, which takes half the time from some twenty characters on.
 */
export class LongRun {
  readonly #pattern: RegExp

  constructor(members: string) {
    this.#pattern = new RegExp(`[${members.replace(/[\\\]^-]/g, '\\$&')}]*`, 'y')
  }

  /** Where the run that starts at `from` ends. */
  end(text: string, from: number): number {
    const pattern = this.#pattern
    pattern.lastIndex = from
    pattern.test(text)
    return pattern.lastIndex
  }
}

/** What a host name or an IPv4 address is made of. */
const HOST_NAME = new LongRun(`${ALPHANUMERIC}-.`)

/** What a Call-ID is made of: `word`, and the `@` between two. */
const CALL_ID = new LongRun(`${ALPHANUMERIC}-.!%*_+\`'~()<>:\\"/[]?{}@`)

export function tokenEnd(text: string, from: number): number {
  return endOf(TOKEN, text, from)
}

export function paramValueEnd(text: string, from: number): number {
  return endOf(PARAM_VALUE, text, from)
}

/** Index of the colon behind the scheme that starts at `from`; -1 when there is none (RFC 3986 section 3.1). */
export function schemeEnd(text: string, from: number): number {
  const end = LETTER[text.charCodeAt(from)] === 1 ? endOf(SCHEME, text, from) : from
  return end > from && text.charCodeAt(end) === COLON ? end : -1
}

export function isToken(text: string): boolean {
  return text.length > 0 && tokenEnd(text, 0) === text.length
}

export function isCallId(text: string): boolean {
  return text.length > 0 && CALL_ID.end(text, 0) === text.length
}

/** Where the host name or IPv4 address that starts at `from` ends. */
export function hostNameEnd(text: string, from: number): number {
  return HOST_NAME.end(text, from)
}

export function isBlank(code: number): boolean {
  return code === SPACE || code === TAB
}

/** Where the blanks that start at `from` end. Line folds are gone by then: the parser has undone them. */
export function skipBlanks(text: string, from: number): number {
  let at = from
  while (at < text.length && isBlank(text.charCodeAt(at))) at++
  return at
}

/**
 * `text` from `start` to `end` without blanks at its ends.
 *
 * @NOTE Not `String.trim`: that also takes 0xA0, which is the second octet of many a UTF-8 letter.
 */
export function trimmed(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

/** `text` from `start` to `end` in lower case. Names mostly are: looking first is a third of the price. */
export function lowerCased(text: string, start: number, end: number): string {
  const part = text.slice(start, end)
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (code >= 0x41 && code <= 0x5a) return part.toLowerCase()
  }
  return part
}

/** Compares as tokens are compared: without regard to case (RFC 3261 section 7.3.1). */
export function isTokenEqual(a: string, b: string): boolean {
  return a === b || (a.length === b.length && a.toLowerCase() === b.toLowerCase())
}

/** Whether `text` can stand in a header field or start line: no line break, nothing beyond one octet. */
export function isLineText(text: string): boolean {
  return !/[\r\n\u0100-\uffff]/.test(text)
}

/** `1*DIGIT` with at most `digitsMax` digits as a number; -1 for anything else. */
export function parseDigits(text: string, digitsMax: number): number {
  if (text.length === 0 || text.length > digitsMax) return -1
  let value = 0
  for (let at = 0; at < text.length; at++) {
    const digit = text.charCodeAt(at) - 0x30
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value
}

/** A port as its digits, 1 to 65535; -1 for anything else. */
export function parsePort(text: string): number {
  const port = parseDigits(text, 5)
  return port >= 1 && port <= 65_535 ? port : -1
}
