import type { Cseq } from './cseq.ts'
import { SipSyntaxError } from './errors.ts'
import { BRANCH_COOKIE } from './ids.ts'
import type { SipRequest } from './message.ts'
import { callId, cseq, from, maxForwards, tagOf, to, topVia } from './message-fields.ts'
import type { NameAddr } from './name-addr.ts'
import { parseSipUri } from './sip-uri.ts'
import type { Via } from './via.ts'

/** What a request must have, as `checkRequest` has read it: nobody need read it twice. */
export interface RequestFields {
  /** The topmost one. */
  readonly via: Via
  /** Empty only where a request of RFC 2543 is taken. */
  readonly branch: string
  readonly from: NameAddr
  /** Empty only where a request of RFC 2543 is taken. */
  readonly fromTag: string
  readonly to: NameAddr
  readonly toTag: string | undefined
  readonly callId: string
  readonly cseq: Cseq
}

/** Fields that are there at most once: a second one makes two readers read two things. A bit each. */
const SINGLE: ReadonlyMap<string, number> = new Map(
  ['From', 'To', 'Call-ID', 'CSeq', 'Max-Forwards', 'Expires', 'Event', 'Content-Type', 'SIP-If-Match'].map(
    (name, index) => [name, 1 << index],
  ),
)

/**
 * What every request must have before it is routed: a Request-URI, Via with a branch, From with a tag, To, Call-ID, CSeq
 * of the request's own method, and Max-Forwards, if it is there, from 0 to 255; none of the fields that stand alone
 * twice.
 *
 * `isRfc2543Taken`: a sender by the earlier standard writes no branch and no From tag. Choice: nodes of an IMS do not
 * take that, for each UE there is one of RFC 3261.
 *
 * @NOTE Max-Forwards may be absent (a proxy then adds it, RFC 3261 section 16.6); zero is no error of syntax either.
 * @throws SipSyntaxError
 * @see RFC 3261 sections 8.1.1, 16.3 and 18.1.2; RFC 3261 section 17.2.3
 */
export function checkRequest(
  request: SipRequest,
  { isRfc2543Taken = false }: { readonly isRfc2543Taken?: boolean } = {},
): RequestFields {
  checkRequestUri(request.uri)
  const fields = readFields(request, isRfc2543Taken)
  if (fields.cseq.method !== request.method) throw new SipSyntaxError('CSeq', 'has another method than the request')
  maxForwards(request)
  const repeated = request.headers.firstRepeated(SINGLE)
  if (repeated !== undefined) throw new SipSyntaxError(repeated, 'is there twice')
  return fields
}

function readFields(request: SipRequest, isRfc2543Taken: boolean): RequestFields {
  const via = topVia(request)
  const branch = via.params.get('branch') ?? (isRfc2543Taken ? '' : undefined)
  if (branch === undefined || branch === true) throw new SipSyntaxError('Via', 'has no branch')
  // guard: branch-cookie-alone — all requests that say it would be one transaction (RFC 4475 section 3.2.1)
  if (branch === BRANCH_COOKIE) throw new SipSyntaxError('Via', 'has a branch that is the cookie alone')
  const sender = from(request)
  const fromTag = tagOf(sender, 'From') ?? (isRfc2543Taken ? '' : undefined)
  if (fromTag === undefined) throw new SipSyntaxError('From', 'has no tag')
  const target = to(request)
  const toTag = tagOf(target, 'To')
  return { via, branch, from: sender, fromTag, to: target, toTag, callId: callId(request), cseq: cseq(request) }
}

/** A URI of a scheme that we do not know is well-formed: that it leads nowhere is another answer (416). */
function checkRequestUri(uri: string): void {
  if (/^sips?:/i.test(uri)) {
    const { headers, params } = parseSipUri(uri)
    // RFC 3261 section 19.1.1, table 1: neither may stand in a Request-URI.
    if (headers !== undefined || params.has('method'))
      throw new SipSyntaxError('Request-URI', 'has headers or a method')
  } else if (!/^[A-Za-z][A-Za-z0-9+.-]*:[^\0-\x20\x7f-\uffff<>"]+$/.test(uri)) {
    throw new SipSyntaxError('Request-URI', 'is no URI')
  }
}
