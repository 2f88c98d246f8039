import { assert } from '@rollcall/core'
import { endOf, isLineText, isToken } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { SipHeaders } from './headers.ts'
import { withTag } from './name-addr.ts'
import { reasonPhrase } from './reason-phrase.ts'

/** A request. Text is latin1, one character an octet. */
export interface SipRequest {
  readonly kind: 'request'
  method: string
  uri: string
  headers: SipHeaders
  body: Buffer
}

/** A response. Text is latin1, one character an octet. */
export interface SipResponse {
  readonly kind: 'response'
  status: number
  reason: string
  headers: SipHeaders
  body: Buffer
}

export type SipMessage = SipRequest | SipResponse

/** What a message without a body has. */
export const EMPTY_BODY: Buffer = Buffer.alloc(0)

/**
 * A request with the header fields given, in that order; nothing is added.
 *
 * @throws SipSyntaxError when method, URI or a header field could not go on the wire as one.
 */
export function createRequest(
  method: string,
  uri: string,
  headers?: Iterable<readonly [string, string]>,
  body: Buffer = EMPTY_BODY,
): SipRequest {
  if (!isToken(method)) throw new SipSyntaxError('method', 'is no token')
  if (!isUriText(uri)) throw new SipSyntaxError('Request-URI', 'has blanks, controls or is empty')
  return { kind: 'request', method, uri, headers: new SipHeaders(headers), body }
}

/**
 * The response to `request`: Via, From, To, Call-ID and CSeq are copied as far as they are there, then come the header
 * fields given. `toTag` is set when To has no tag yet. Record-Route is the caller's business.
 *
 * @see RFC 3261 section 8.2.6
 */
export function createResponse(
  request: SipRequest,
  status: number,
  options: {
    readonly reason?: string | undefined
    readonly toTag?: string | undefined
    readonly headers?: Iterable<readonly [string, string]> | undefined
    readonly body?: Buffer | undefined
  } = {},
): SipResponse {
  assert(Number.isInteger(status) && status >= 100 && status <= 699, 'a SIP status')
  const reason = options.reason ?? reasonPhrase(status)
  if (!isLineText(reason)) throw new SipSyntaxError('reason phrase', 'has a line break or characters beyond one octet')
  const headers = new SipHeaders()
  for (const value of request.headers.getAll('Via')) headers.add('Via', value)
  copyFirst(request.headers, headers, 'From')
  const to = request.headers.get('To')
  if (to !== undefined) headers.add('To', options.toTag === undefined ? to : withTag(to, options.toTag))
  copyFirst(request.headers, headers, 'Call-ID')
  copyFirst(request.headers, headers, 'CSeq')
  if (options.headers) for (const [name, value] of options.headers) headers.add(name, value)
  return { kind: 'response', status, reason, headers, body: options.body ?? EMPTY_BODY }
}

function copyFirst(from: SipHeaders, to: SipHeaders, name: string): void {
  const value = from.get(name)
  if (value !== undefined) to.add(name, value)
}

/** What a Request-URI may be made of, whatever its grammar says besides: octets, no blank or control among them. */
const URI_TEXT = new Uint8Array(256).map((_, octet) => (octet > 0x20 && octet !== 0x7f ? 1 : 0))

/** Whether `text` can stand as Request-URI. Its grammar is read elsewhere. */
export function isUriText(text: string): boolean {
  return text.length > 0 && endOf(URI_TEXT, text, 0) === text.length
}
