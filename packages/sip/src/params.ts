import { EQUAL, lowerCased, paramValueEnd, QUOTE, SEMICOLON, skipBlanks, tokenEnd } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { PARAMS_MAX } from './limits.ts'
import { quotedEnd } from './quoted-string.ts'

/**
 * Parameters in their order. Names are in lower case. A value is as it stands on the wire, so a quoted string with its
 * quotes (`unquote` gives its meaning); `true` stands for a parameter without value.
 */
export type Params = Map<string, string | true>

/**
 * Reads `*( SEMI generic-param )` from `from` to the end of `text`. Blanks around `;` and `=` are allowed.
 *
 * @throws SipSyntaxError also for a name that comes twice (RFC 3261 section 7.3.1).
 */
export function parseParams(text: string, from: number, header: string): Params {
  const params: Params = new Map()
  let at = skipBlanks(text, from)
  while (at < text.length) {
    if (text.charCodeAt(at) !== SEMICOLON) throw new SipSyntaxError(header, 'has text that is no parameter')
    const nameStart = skipBlanks(text, at + 1)
    const nameEnd = tokenEnd(text, nameStart)
    if (nameEnd === nameStart) throw new SipSyntaxError(header, 'has a parameter without name')
    const name = lowerCased(text, nameStart, nameEnd)
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
export function addParam(params: Params, name: string, value: string | true, header: string): void {
  if (params.has(name)) throw new SipSyntaxError(header, `has the parameter ${name} twice`)
  if (params.size === PARAMS_MAX) throw new SipSyntaxError(header, `has over ${PARAMS_MAX} parameters`)
  params.set(name, value)
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
