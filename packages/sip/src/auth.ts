import { COMMA, EQUAL, endOf, octetSet, QUOTE, skipBlanks, tokenEnd } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { PARAMS_MAX } from './limits.ts'
import { quote, quotedEnd, unquote } from './quoted-string.ts'

/** One parameter: its meaning, and whether it stands in quotes. */
export interface AuthParam {
  /** Without quotes and escapes. */
  readonly value: string
  readonly quoted: boolean
}

/** The value of Authorization, WWW-Authenticate, Authentication-Info and their kin. */
export interface AuthParams {
  /** As it came: `Digest`. Empty for Authentication-Info, which has none. */
  readonly scheme: string
  /** Names in lower case, in their order. */
  readonly params: Map<string, AuthParam>
}

/** A value without quotes: a token, and what base64 has besides, which some write bare. */
const BARE_VALUE = octetSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-.!%*_+`'~/=:@")

/**
 * Reads `Digest name=value, name="value"`.
 *
 * @throws SipSyntaxError also for a parameter that comes twice; `header` names the header field in it.
 * @see RFC 3261 section 25.1 (credentials, challenge), RFC 2617 section 3.2
 */
export function parseAuth(text: string, header = 'Authorization'): AuthParams {
  const schemeEnd = tokenEnd(text, 0)
  const start = skipBlanks(text, schemeEnd)
  if (schemeEnd === 0 || start === schemeEnd) throw new SipSyntaxError(header, 'has no scheme with parameters')
  return { scheme: text.slice(0, schemeEnd), params: parseAuthParams(text, start, header) }
}

/**
 * Reads Authentication-Info: parameters without a scheme.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 20.6
 */
export function parseAuthenticationInfo(text: string): AuthParams {
  return { scheme: '', params: parseAuthParams(text, skipBlanks(text, 0), 'Authentication-Info') }
}

function parseAuthParams(text: string, from: number, header: string): Map<string, AuthParam> {
  const params = new Map<string, AuthParam>()
  for (let at = from; ; ) {
    const nameEnd = tokenEnd(text, at)
    const name = text.slice(at, nameEnd).toLowerCase()
    const equal = skipBlanks(text, nameEnd)
    if (name === '' || text.charCodeAt(equal) !== EQUAL) throw new SipSyntaxError(header, 'has no name=value')
    const valueStart = skipBlanks(text, equal + 1)
    const quoted = text.charCodeAt(valueStart) === QUOTE
    const valueEnd = quoted ? quotedEnd(text, valueStart) : endOf(BARE_VALUE, text, valueStart)
    if (valueEnd <= valueStart) throw new SipSyntaxError(header, `has no value for ${name}`)
    if (params.has(name)) throw new SipSyntaxError(header, `has ${name} twice`)
    if (params.size === PARAMS_MAX) throw new SipSyntaxError(header, `has over ${PARAMS_MAX} parameters`)
    const raw = text.slice(valueStart, valueEnd)
    params.set(name, { value: quoted ? unquote(raw) : raw, quoted })
    at = skipBlanks(text, valueEnd)
    if (at === text.length) return params
    if (text.charCodeAt(at) !== COMMA) throw new SipSyntaxError(header, 'has no comma between its parameters')
    at = skipBlanks(text, at + 1)
  }
}

/** The inverse of `parseAuth`. */
export function formatAuth(auth: AuthParams): string {
  const params: string[] = []
  for (const [name, { value, quoted }] of auth.params) params.push(`${name}=${quoted ? quote(value) : value}`)
  return auth.scheme === '' ? params.join(',') : `${auth.scheme} ${params.join(',')}`
}
