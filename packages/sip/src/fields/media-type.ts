import { isTokenEqual, SLASH, skipBlanks, tokenEnd } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { formatParams, type Params, paramValue, parseParams } from '../params.ts'
import { unquote } from '../quoted-string.ts'
import { parseQvalue } from '../qvalue.ts'
import { elementsOf } from './elements.ts'

/** The value of Content-Type. */
export interface ContentType {
  /** In lower case. */
  readonly type: string
  /** In lower case. */
  readonly subtype: string
  readonly params: Params
}

/** One element of Accept: `*` stands for any. */
export interface MediaRange extends ContentType {
  /** 1 when it is not said. */
  readonly q: number
}

/** The value of Content-Disposition. */
export interface ContentDisposition {
  /** In lower case: `session`, `render` … */
  readonly type: string
  /** What to do with a body that is not understood: `required` when it is not said (RFC 3261 section 20.11). */
  readonly handling: string
  readonly params: Params
}

/**
 * Reads Content-Type.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 20.15
 */
export function parseContentType(text: string): ContentType {
  return parseMediaType(text, 'Content-Type')
}

function parseMediaType(text: string, header: string): ContentType {
  const typeEnd = tokenEnd(text, 0)
  const slash = skipBlanks(text, typeEnd)
  const subtypeStart = skipBlanks(text, slash + 1)
  const subtypeEnd = tokenEnd(text, subtypeStart)
  if (typeEnd === 0 || text.charCodeAt(slash) !== SLASH || subtypeEnd === subtypeStart) {
    throw new SipSyntaxError(header, 'has no type and subtype')
  }
  return {
    type: text.slice(0, typeEnd).toLowerCase(),
    subtype: text.slice(subtypeStart, subtypeEnd).toLowerCase(),
    params: parseParams(text, subtypeEnd, header),
  }
}

/** The inverse. */
export function formatContentType({ type, subtype, params }: ContentType): string {
  return `${type}/${subtype}${formatParams(params)}`
}

/** A parameter's meaning, e.g. the boundary of multipart. */
export function mediaTypeParam({ params }: ContentType, name: string): string | undefined {
  const value = paramValue(params, name)
  return value === undefined ? undefined : unquote(value)
}

/**
 * Reads Content-Disposition.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 20.11
 */
export function parseContentDisposition(text: string): ContentDisposition {
  const end = tokenEnd(text, 0)
  if (end === 0) throw new SipSyntaxError('Content-Disposition', 'has no type')
  const params = parseParams(text, end, 'Content-Disposition')
  const handling = paramValue(params, 'handling')?.toLowerCase() ?? 'required'
  return { type: text.slice(0, end).toLowerCase(), handling, params }
}

/**
 * Reads Accept over all its lines. A line without elements accepts nothing; that is the caller's to see: no line at all
 * means `application/sdp` (RFC 3261 section 20.1) or what the event package says (RFC 6665 section 3.1.3).
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 20.1
 */
export function parseAccept(lines: readonly string[]): MediaRange[] {
  return elementsOf(lines, 'Accept').map((element) => {
    const range = parseMediaType(element, 'Accept')
    const q = range.params.get('q')
    if (range.type === '*' && range.subtype !== '*') throw new SipSyntaxError('Accept', 'has a range that is none')
    return { ...range, q: q === undefined ? 1 : parseQvalue(q, 'Accept') }
  })
}

/**
 * Whether one of the ranges takes `type/subtype`: the most specific one that matches says, and `q=0` says no.
 *
 * @see RFC 3261 section 20.1; RFC 2616 section 14.1
 */
export function accepts(ranges: readonly MediaRange[], mediaType: string): boolean {
  const [type = '', subtype = ''] = mediaType.split('/')
  const matching = (t: string, s: string): MediaRange | undefined =>
    ranges.find((range) => isTokenEqual(range.type, t) && isTokenEqual(range.subtype, s))
  const range = matching(type, subtype) ?? matching(type, '*') ?? matching('*', '*')
  return range !== undefined && range.q > 0
}
