import { formatHostPort } from '../host-port.ts'
import { BRANCH_COOKIE } from '../ids.ts'
import type { SipRequest, SipResponse } from '../message.ts'
import { cseq, topVia } from '../message-fields.ts'
import { paramValue } from '../params.ts'
import type { Via } from '../via.ts'

/** Between the parts of a key: in none of them. */
const SEPARATOR = '\n'

/** Who put a Via there, in one spelling. A port that is not written is another than one that is. */
export function sentBy(via: Via): string {
  return formatHostPort(via.host, via.port).toLowerCase()
}

/**
 * What a request and its retransmissions share, and no other request does: branch, sent-by and method of the topmost
 * Via. A branch of RFC 2543, without the cookie, is not unique: then Request-URI, tags, Call-ID, CSeq and the whole Via
 * stand for it.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 17.2.3
 */
export function serverTransactionKey(request: SipRequest): string {
  const via = topVia(request)
  const branch = paramValue(via.params, 'branch')
  if (branch?.startsWith(BRANCH_COOKIE)) return [branch, sentBy(via), request.method].join(SEPARATOR)
  const { headers } = request
  const parts = [headers.get('Via'), request.uri, headers.get('From'), headers.get('To'), headers.get('Call-ID')]
  return [...parts, headers.get('CSeq'), request.method].join(SEPARATOR)
}

/**
 * What a response and its request share: the branch of the topmost Via and the method of CSeq.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 17.1.3
 */
export function clientTransactionKey(message: SipRequest | SipResponse, via: Via): string {
  const branch = paramValue(via.params, 'branch') ?? ''
  return branch + SEPARATOR + (message.kind === 'request' ? message.method : cseq(message).method)
}
