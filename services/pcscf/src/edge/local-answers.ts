import { createHash, type Hash } from 'node:crypto'
import type { Random } from '@rollcall/core'
import { createResponse, type SipRequest, type SipResponse, topBranch } from '@rollcall/sip'

/** What we serve for a UE (RFC 3261 section 20.5). */
export const ALLOWED_METHODS = ['REGISTER', 'SUBSCRIBE', 'PUBLISH', 'OPTIONS', 'ACK', 'CANCEL'] as const

/** `Choice:` who must come again does so after 5 to 15 s, spread, so that not all come at once. */
const RETRY_AFTER_SECONDS_MIN = 5
const RETRY_AFTER_SECONDS_SPREAD = 11

/** A refusal of our own. */
export interface Refusal {
  readonly status: number
  /** A label of few values. */
  readonly reason: string
  readonly headers?: readonly (readonly [name: string, value: string])[] | undefined
  /** With Retry-After. */
  readonly retry?: boolean | undefined
}

/** Our own response to a request. */
export function localResponse(request: SipRequest, refusal: Omit<Refusal, 'reason'>, random: Random): SipResponse {
  const headers = [...(refusal.headers ?? [])]
  if (refusal.retry) headers.push(['Retry-After', String(retryAfterSeconds(random))])
  return createResponse(request, refusal.status, { toTag: tagOf(request), headers })
}

function retryAfterSeconds(random: Random): number {
  return RETRY_AFTER_SECONDS_MIN + ((random.bytes(1)[0] ?? 0) % RETRY_AFTER_SECONDS_SPREAD)
}

/** The same for each arrival of a request, also when nothing was remembered of it (RFC 3261 section 8.2.7). */
function tagOf(request: SipRequest): string {
  const hash: Hash = createHash('sha256').update(request.headers.get('Call-ID') ?? '')
  return hash
    .update(`\0${branchOf(request)}`)
    .digest('hex')
    .slice(0, 16)
}

function branchOf(request: SipRequest): string {
  try {
    return topBranch(request) ?? ''
  } catch {
    // A Via that cannot be read has no branch; what is wrong with it is being answered.
    return ''
  }
}
