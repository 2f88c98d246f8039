import type { Random } from '@rollcall/core'
import { createResponse, newTag, type SipRequest, type SipResponse } from '@rollcall/sip'
import { REFUSALS, type Refusal } from '../refusal.ts'

/** Seconds after which a UE may try again: spread, so that those who were refused together do not come back together. */
const RETRY_AFTER_SECONDS_MIN = 1
const RETRY_AFTER_SECONDS_MAX = 8

/** A response without what it copies from its request. */
export interface Reply {
  readonly status: number
  readonly toTag: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** What a refused request is told; a 503 says when to come again (RFC 3261 section 20.33). */
export function refusalReply(refusal: Refusal, random: Random): Reply {
  const status = REFUSALS[refusal.reason]
  const headers: (readonly [string, string])[] = [...(refusal.headers ?? [])]
  if (status === 503) headers.push(['Retry-After', String(retryAfterSeconds(random))])
  return { status, toTag: newTag(random), headers }
}

/** A response to one arrival of a request. */
export function replyResponse(request: SipRequest, { status, toTag, headers }: Reply): SipResponse {
  return createResponse(request, status, { toTag, headers })
}

function retryAfterSeconds(random: Random): number {
  const span = RETRY_AFTER_SECONDS_MAX - RETRY_AFTER_SECONDS_MIN + 1
  return RETRY_AFTER_SECONDS_MIN + (random.bytes(1).readUInt8(0) % span)
}
