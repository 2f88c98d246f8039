import { EQUAL, lowerCased, paramValueEnd, QUOTE, SEMICOLON, skipBlanks, tokenEnd } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { InPlaceNames } from './in-place-names.ts'
import { PARAMS_MAX } from './limits.ts'
import { quotedEnd } from './quoted-string.ts'

/**
 * Parameters in their order. Names are in lower case. A value is as it stands on the wire, so a quoted string with its
 * quotes (`unquote` gives its meaning); `true` stands for a parameter without value. To change them, make a copy:
 * `new Map(params)`.
 */
export type Params = ReadonlyMap<string, string | true>

/** Parameters that are being put together. */
export type NewParams = Map<string, string | true>

/** Most values have none: one for all. */
export const NO_PARAMS: Params = new Map()

/** Names that come all the time. */
const COMMON_NAMES = new InPlaceNames([
  ...['branch', 'tag', 'lr', 'expires', 'received', 'rport', 'transport', 'user', 'q', 'ob', 'id', 'reason'],
  ...['reg-id', '+sip.instance', 'alg', 'ealg', 'prot', 'mod', 'spi-c', 'spi-s', 'port-c', 'port-s'],
])

/** A parameter's name in lower case, found where it stands. */
export function paramName(text: string, from: number, end: number): string {
  return COMMON_NAMES.find(text, from, end) ?? lowerCased(text, from, end)
}

/**
 * Reads `*( SEMI generic-param )` from `from` to the end of `text`. Blanks around `;` and `=` are allowed.
 *
 * @throws SipSyntaxError also for a name that comes twice (RFC 3261 section 7.3.1).
 */
export function parseParams(text: string, from: number, header: string): Params {
  let at = skipBlanks(text, from)
  if (at === text.length) return NO_PARAMS
  const params: NewParams = new Map()
  while (at < text.length) {
    if (text.charCodeAt(at) !== SEMICOLON) throw new SipSyntaxError(header, 'has text that is no parameter')
    const nameStart = skipBlanks(text, at + 1)
    const nameEnd = tokenEnd(text, nameStart)
    if (nameEnd === nameStart) throw new SipSyntaxError(header, 'has a parameter without name')
    const name = paramName(text, nameStart, nameEnd)
    let value: string | true = true
    at = skipBlanks(text, nameEnd)
    if (text.charCodeAt(at) === EQUAL) {
      const valueStart = skipBlanks(text, at + 1)
      const isQuoted = text.charCodeAt(valueStart) === QUOTE
      const valueEnd = isQuoted ? quotedEnd(text, valueStart) : paramValueEnd(text, valueStart)
      if (valueEnd <= valueStart) throw new SipSyntaxError(header, `has no value for ${name}`)
      value = text.slice(valueStart, valueEnd)
      at = skipBlanks(text, valueEnd)
    }
    addParam(params, name, value, header)
  }
  return params
}

/** Adds one parameter within the bounds. */
export function addParam(params: NewParams, name: string, value: string | true, header: string): void {
  // A set that grew is told from one that had the name already, with one look at it in place of two.
  const before = params.size
  params.set(name, value)
  if (params.size === before) throw new SipSyntaxError(header, `has the parameter ${name} twice`)
  if (before === PARAMS_MAX) throw new SipSyntaxError(header, `has over ${PARAMS_MAX} parameters`)
}

/** `;name=value` for each parameter, in order. */
export function formatParams(params: Params): string {
  let text = ''
  for (const [name, value] of params) text += value === true ? `;${name}` : `;${name}=${value}`
  return text
}

/** A parameter's value; undefined when it is absent or has none. */
export function paramValue(params: Params, name: string): string | undefined {
  const value = params.get(name)
  return value === true ? undefined : value
}

/** Whether `text` can be a parameter's value without quotes. */
export function isParamValue(text: string): boolean {
  return text !== '' && paramValueEnd(text, 0) === text.length
}
