import { checkRequest } from '../check-request.ts'
import { SipParseError, SipSyntaxError } from '../errors.ts'
import { parseContacts } from '../fields/contact.ts'
import { parseDate, parseTimestamp } from '../fields/date.ts'
import { accepts, parseAccept, parseContentDisposition, parseContentType } from '../fields/media-type.ts'
import { parseRoutes } from '../fields/routes.ts'
import { parseWarnings } from '../fields/warning.ts'
import { createResponse, type SipRequest, type SipResponse } from '../message.ts'
import { callId, cseq, expires, from, optionTags, to, topVia, toUri } from '../message-fields.ts'
import { parseMessage } from '../parse-message.ts'
import { parseVia } from '../via.ts'

/** What became of a message. */
export type UasOutcome =
  | { readonly kind: 'answered'; readonly answer: SipResponse; readonly request: SipRequest | undefined }
  | { readonly kind: 'taken'; readonly response: SipResponse }
  | { readonly kind: 'dropped' }

const DROPPED: UasOutcome = { kind: 'dropped' }

/** The methods of the registry. */
const METHODS = [
  ...['ACK', 'BYE', 'CANCEL', 'INFO', 'INVITE', 'MESSAGE', 'NOTIFY'],
  ...['OPTIONS', 'PRACK', 'PUBLISH', 'REFER', 'REGISTER', 'SUBSCRIBE', 'UPDATE'],
]

/** What bodies it understands. */
const MEDIA_TYPES = ['application/sdp', 'text/plain', 'multipart/mixed']

/**
 * A UAS, and registrar, of all methods that keeps nothing: what a message is answered is a function of its octets. It
 * reads every header field that this package knows, as no node of ours does. `wantsCredentials`: a REGISTER without
 * Digest credentials is challenged.
 *
 * @see RFC 3261 section 8.2
 */
export function answerStatelessly(bytes: Buffer, o: { readonly wantsCredentials?: boolean } = {}): UasOutcome {
  let request: SipRequest | undefined
  try {
    const message = parseMessage(bytes)
    if (message.kind === 'response') return checkResponse(message)
    request = message
    checkRequest(request, { isRfc2543Taken: true })
    checkKnownFields(request)
    return { kind: 'answered', answer: answer(request, o.wantsCredentials ?? false), request }
  } catch (error) {
    if (error instanceof SipParseError) {
      if (!error.request) return DROPPED
      return { kind: 'answered', answer: createResponse(error.request, error.status), request: undefined }
    }
    if (!(error instanceof SipSyntaxError)) throw error
    return request ? { kind: 'answered', answer: createResponse(request, 400), request: undefined } : DROPPED
  }
}

/** RFC 3261 section 8.1.3.3: a response with more than one Via is for somebody else. */
function checkResponse(response: SipResponse): UasOutcome {
  topVia(response)
  for (const read of [from, to, callId, cseq]) read(response)
  parseWarnings(response.headers.getAll('Warning'))
  return response.headers.list('Via').length > 1 ? DROPPED : { kind: 'taken', response }
}

/** Throws for a field whose value breaks its grammar. */
function checkKnownFields(request: SipRequest): void {
  const { headers } = request
  for (const via of headers.list('Via')) parseVia(via)
  for (const header of ['Route', 'Record-Route', 'Path'] as const) parseRoutes(headers.getAll(header), header)
  parseContacts(headers.getAll('Contact'))
  parseAccept(headers.getAll('Accept'))
  expires(request)
  for (const header of ['Require', 'Proxy-Require', 'Supported']) optionTags(request, header)
  const readers = [
    ['Date', parseDate],
    ['Timestamp', parseTimestamp],
    ['Content-Type', parseContentType],
    ['Content-Disposition', parseContentDisposition],
  ] as const
  for (const [name, read] of readers) for (const value of headers.getAll(name)) read(value)
}

/** In the order of RFC 3261 section 8.2: method, Request-URI, extensions, content. */
function answer(request: SipRequest, wantsCredentials: boolean): SipResponse {
  const { method, uri, headers } = request
  if (!METHODS.includes(method)) return createResponse(request, 501)
  if (!/^(?:sips?|tel):/i.test(uri)) return createResponse(request, 416)
  const unsupported = headers.list('Require')
  if (unsupported.length > 0) {
    return createResponse(request, 420, { headers: [['Unsupported', unsupported.join(', ')]] })
  }
  const contentType = headers.get('Content-Type')
  if (request.body.length > 0 && contentType !== undefined) {
    const { type, subtype } = parseContentType(contentType)
    if (!MEDIA_TYPES.includes(`${type}/${subtype}`)) {
      return createResponse(request, 415, { headers: [['Accept', MEDIA_TYPES.join(', ')]] })
    }
  }
  if (method === 'REGISTER') return register(request, wantsCredentials)
  const ranges = headers.getAll('Accept')
  if (method === 'INVITE' && ranges.length > 0 && !accepts(parseAccept(ranges), 'application/sdp')) {
    return createResponse(request, 406)
  }
  return createResponse(request, 200, { toTag: 'uas' })
}

/** RFC 3261 section 10.3. */
function register(request: SipRequest, wantsCredentials: boolean): SipResponse {
  if (!/^sips?:/i.test(toUri(request))) return createResponse(request, 404)
  const isDigest = request.headers.getAll('Authorization').some((value) => /^digest\s/i.test(value))
  if (wantsCredentials && !isDigest) {
    return createResponse(request, 401, { headers: [['WWW-Authenticate', 'Digest realm="example.com",nonce="0"']] })
  }
  const contacts = request.headers.list('Contact').map((value) => ['Contact', value] as const)
  return createResponse(request, 200, { toTag: 'uas', headers: contacts })
}
