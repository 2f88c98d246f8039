import { endOf, isTokenEqual, octetSet } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { URI_OCTETS_MAX } from './limits.ts'
import { addParam, formatParams, type NewParams, type Params, paramValue } from './params.ts'
import type { SipUri } from './sip-uri.ts'

/** A tel URI. */
export interface TelUri {
  /** As it came, visual separators among its digits; a global one with its `+`. */
  readonly number: string
  readonly isGlobal: boolean
  /** Where a local number is valid: a domain name, or a global number prefix. */
  readonly phoneContext: string | undefined
  readonly extension: string | undefined
  readonly isdnSubaddress: string | undefined
  /** All other parameters. */
  readonly params: Params
}

const DIGITS = '0123456789'
const SEPARATORS = '-.()'
const GLOBAL = octetSet(DIGITS + SEPARATORS)
const LOCAL = octetSet(`${DIGITS}ABCDEFabcdef*#${SEPARATORS}`)
const PARAM_NAME = octetSet('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-')
const PARAM_VALUE = octetSet("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.!~*'()%[]/:&+$")
const DOMAIN = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)*[A-Za-z](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?$/

/**
 * Reads a tel URI. A local number has its `phone-context`; without it nobody knows whose number it is.
 *
 * @throws SipSyntaxError also for another scheme.
 * @see RFC 3966 section 3
 */
export function parseTelUri(text: string): TelUri {
  if (text.length > URI_OCTETS_MAX) throw new SipSyntaxError('URI', `has over ${URI_OCTETS_MAX} octets`)
  if (!/^tel:/i.test(text)) throw new SipSyntaxError('URI', 'is no tel URI')
  const isGlobal = text[4] === '+'
  const from = isGlobal ? 5 : 4
  const end = endOf(isGlobal ? GLOBAL : LOCAL, text, from)
  const number = text.slice(4, end)
  if (!/[0-9A-Fa-f*#]/.test(number)) throw new SipSyntaxError('URI', 'has no number')
  const params = parseTelParams(text, end)
  const phoneContext = paramValue(params, 'phone-context')
  if (params.has('phone-context') ? !isPhoneContext(phoneContext) : !isGlobal) {
    throw new SipSyntaxError('URI', 'has a local number without a context of its own')
  }
  const extension = paramValue(params, 'ext')
  if (params.has('ext') && !/^[0-9().-]*[0-9][0-9().-]*$/.test(extension ?? '')) {
    throw new SipSyntaxError('URI', 'has an extension that is none')
  }
  const isdnSubaddress = paramValue(params, 'isub')
  for (const name of ['phone-context', 'ext', 'isub']) params.delete(name)
  return { number, isGlobal, phoneContext, extension, isdnSubaddress, params }
}

function parseTelParams(text: string, from: number): NewParams {
  const params: NewParams = new Map()
  for (let at = from; at < text.length; ) {
    if (text[at] !== ';') throw new SipSyntaxError('URI', 'has text behind its number')
    const nameEnd = endOf(PARAM_NAME, text, at + 1)
    if (nameEnd === at + 1) throw new SipSyntaxError('URI', 'has a parameter without name')
    const name = text.slice(at + 1, nameEnd).toLowerCase()
    at = nameEnd
    let value: string | true = true
    if (text[at] === '=') {
      at = endOf(PARAM_VALUE, text, nameEnd + 1)
      value = text.slice(nameEnd + 1, at)
      if (value === '' || /%(?![0-9A-Fa-f]{2})/.test(value)) throw new SipSyntaxError('URI', `has no value for ${name}`)
    }
    addParam(params, name, value, 'URI')
  }
  return params
}

function isPhoneContext(text: string | undefined): boolean {
  return text !== undefined && (/^\+[().-]*[0-9][0-9().-]*$/.test(text) || DOMAIN.test(text))
}

/** The inverse. */
export function formatTelUri(uri: TelUri): string {
  const params: NewParams = new Map()
  if (uri.isdnSubaddress !== undefined) params.set('isub', uri.isdnSubaddress)
  if (uri.extension !== undefined) params.set('ext', uri.extension)
  if (uri.phoneContext !== undefined) params.set('phone-context', uri.phoneContext)
  for (const [name, value] of uri.params) params.set(name, value)
  return `tel:${uri.number}${formatParams(params)}`
}

/**
 * Whether two tel URIs name the same number: both global or both local, the same digits whatever separates them, and the
 * same parameters in any order, their values without regard to case.
 *
 * @see RFC 3966 section 4
 */
export function sameTelUri(a: TelUri, b: TelUri): boolean {
  return (
    a.isGlobal === b.isGlobal &&
    isTokenEqual(digitsOf(a.number), digitsOf(b.number)) &&
    isSameContext(a.phoneContext, b.phoneContext) &&
    digitsOf(a.extension ?? '') === digitsOf(b.extension ?? '') &&
    isTokenEqual(a.isdnSubaddress ?? '', b.isdnSubaddress ?? '') &&
    a.params.size === b.params.size &&
    [...a.params].every(([name, value]) => {
      const other = b.params.get(name)
      return value === true || other === true || other === undefined ? value === other : isTokenEqual(value, other)
    })
  )
}

/** A context that is a number is compared as one. */
function isSameContext(a = '', b = ''): boolean {
  return a.startsWith('+') && b.startsWith('+') ? digitsOf(a) === digitsOf(b) : isTokenEqual(a, b)
}

/**
 * The tel URI that a SIP URI with `user=phone` stands for: its user part is a telephone number with its parameters.
 * Undefined when it says something else, or its user part is no number.
 *
 * @see RFC 3261 section 19.1.6
 */
export function telUriOf(uri: SipUri): TelUri | undefined {
  const isPhone = isTokenEqual(paramValue(uri.params, 'user') ?? '', 'phone')
  if (!isPhone || uri.user === undefined) return undefined
  try {
    return parseTelUri(`tel:${uri.user.replace(/%23/g, '#')}`)
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}

function digitsOf(number: string): string {
  return number.replace(/[().-]/g, '')
}
