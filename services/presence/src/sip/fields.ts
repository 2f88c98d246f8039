import { type Impu, InvalidIdentityError, parseImpu } from '@rollcall/core'
import { paramValue, parseVia, type RequestFields, type SipRequest, SipSyntaxError } from '@rollcall/sip'
import type { RequestKey } from '@rollcall/store'

/**
 * What makes two arrivals the same request: the UE's own branch, from the Via at the bottom.
 *
 * @throws SipSyntaxError
 */
export function requestKey(request: SipRequest, { via, callId, cseq }: RequestFields): RequestKey {
  const vias = request.headers.list('Via')
  const bottom = vias.length === 1 ? via : parseVia(vias.at(-1) ?? '')
  const branch = paramValue(bottom.params, 'branch')
  if (branch === undefined) throw new SipSyntaxError('Via', 'has no branch at the bottom')
  return { callId, cseq: cseq.sequence, branch }
}

/** Media type of the body, lower case, without parameters; undefined when the header is absent. */
export function mediaType(request: SipRequest): string | undefined {
  const value = request.headers.get('Content-Type')
  return value === undefined ? undefined : withoutParams(value)
}

/** Is the body compressed or otherwise encoded? */
export function isEncoded(request: SipRequest): boolean {
  return request.headers.list('Content-Encoding').some((coding) => coding.toLowerCase() !== 'identity')
}

/** Media ranges of Accept; undefined when the header is absent, none when it is empty: then nothing is acceptable. */
export function acceptRanges(request: SipRequest): string[] | undefined {
  if (!request.headers.has('Accept')) return undefined
  if (request.headers.getAll('Accept').every((line) => line === '')) return []
  return request.headers.list('Accept').map(withoutParams)
}

/** The public identity that a URI names; undefined when it names none. */
export function impuOf(uri: string): Impu | undefined {
  try {
    return parseImpu(uri)
  } catch (error) {
    if (error instanceof InvalidIdentityError) return undefined
    throw error
  }
}

/** Identities of an envelope; what is none is left out. */
export function impusOf(uris: readonly string[]): Impu[] {
  return uris.map(impuOf).filter((impu) => impu !== undefined)
}

function withoutParams(value: string): string {
  const end = value.indexOf(';')
  return (end < 0 ? value : value.slice(0, end)).replace(/[ \t]/g, '').toLowerCase()
}
