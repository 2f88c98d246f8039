import { RollcallError } from '@rollcall/core'
import { reasonPhrase } from './reason-phrase.ts'

interface Answer {
  readonly status: number
  /** Where the standard's phrase for the status says too little. */
  readonly reason?: string
  readonly headers?: readonly (readonly [string, string])[]
}

/**
 * The one map between codes of failures and SIP. What an answer must carry besides, because it depends on the case
 * (Min-Expires, Retry-After, Accept, Allow, Allow-Events, Unsupported, Security-Server), is the caller's to add.
 */
const ANSWERS = {
  // Reading a message.
  SIP_MALFORMED: { status: 400 },
  SIP_SYNTAX: { status: 400 },
  SIP_URI_TOO_LONG: { status: 414 },
  SIP_VERSION_UNSUPPORTED: { status: 505 },
  SIP_BODY_TOO_LARGE: { status: 413 },
  SIP_TOO_LARGE: { status: 513 },
  // Routing it.
  SIP_URI_SCHEME_UNSUPPORTED: { status: 416 },
  SIP_METHOD_NOT_ALLOWED: { status: 405 },
  SIP_TOO_MANY_HOPS: { status: 483 },
  SIP_LOOP: { status: 482 },
  SIP_EXTENSION_UNSUPPORTED: { status: 420 },
  SIP_DIALOG_UNKNOWN: { status: 481, reason: 'Subscription Does Not Exist' },
  SIP_CSEQ_OUT_OF_ORDER: { status: 500 },
  SIP_FLOW_UNAVAILABLE: { status: 503 },
  SIP_NEXT_HOP_UNAVAILABLE: { status: 503 },
  SIP_NEXT_HOP_TIMEOUT: { status: 408 },
  SIP_OVERLOADED: { status: 503 },
  SIP_TRANSACTIONS_FULL: { status: 503 },
  // Security agreement (RFC 3329 section 2, TS 33.203 clause 7.3.2).
  SECURITY_AGREEMENT_REQUIRED: { status: 421, headers: [['Require', 'sec-agree']] },
  SECURITY_MECHANISM_MISSING: { status: 421, headers: [['Require', 'sec-agree']] },
  SECURITY_OFFER_INVALID: { status: 400, reason: 'Bad Security Offer' },
  SECURITY_NO_COMMON_ALGORITHM: { status: 403, reason: 'No Common Security Algorithm' },
  SECURITY_MISMATCH: { status: 494 },
  // Who asks.
  INVALID_IDENTITY: { status: 400 },
  AUTHENTICATION_REQUIRED: { status: 401 },
  AUTHENTICATION_FAILED: { status: 403, reason: 'Authentication Failed' },
  AUTHENTICATION_ATTEMPTS_EXCEEDED: { status: 503 },
  IDENTITY_NOT_AUTHORIZED: { status: 403 },
  PROTECTION_REQUIRED: { status: 403 },
  POLICY_REFUSED: { status: 403 },
  USER_UNKNOWN: { status: 404 },
  USER_NOT_REGISTERED: { status: 480 },
  // Events (RFC 6665, RFC 3903).
  EVENT_PACKAGE_UNKNOWN: { status: 489 },
  MEDIA_TYPE_UNSUPPORTED: { status: 415 },
  MEDIA_TYPE_NOT_ACCEPTABLE: { status: 406 },
  CONTENT_INVALID: { status: 400 },
  CONTENT_TOO_LARGE: { status: 413 },
  ENTITY_TAG_UNKNOWN: { status: 412 },
  REGISTRATION_INTERVAL_TOO_BRIEF: { status: 423 },
  PUBLICATION_INTERVAL_TOO_BRIEF: { status: 423 },
  SUBSCRIPTION_INTERVAL_TOO_BRIEF: { status: 423 },
  SUBSCRIPTIONS_FULL: { status: 503 },
  PUBLICATIONS_FULL: { status: 503 },
  // Presence documents (packages/pidf).
  XML_TOO_LARGE: { status: 413 },
  XML_ENCODING: { status: 400, reason: 'Bad Presence Document' },
  XML_MALFORMED: { status: 400, reason: 'Bad Presence Document' },
  XML_FORBIDDEN: { status: 400, reason: 'Bad Presence Document' },
  XML_NAMESPACE: { status: 400, reason: 'Bad Presence Document' },
  XML_LIMIT: { status: 413 },
  XML_STRUCTURE: { status: 400, reason: 'Bad Presence Document' },
  // What we stand on.
  STORE_UNAVAILABLE: { status: 503 },
  STORE_FENCED: { status: 503 },
  STORE_FULL: { status: 503 },
  STORE_RECORD_TOO_LARGE: { status: 413 },
  RPC_UNAVAILABLE: { status: 503 },
  RPC_DEADLINE: { status: 503 },
  RPC_EXHAUSTED: { status: 503 },
  RPC_NOT_FOUND: { status: 404 },
  // Anything that has no line of its own.
  INTERNAL: { status: 500 },
} as const satisfies Record<string, Answer>

/** Codes that have an answer in SIP. */
export type ErrorCode = keyof typeof ANSWERS

/** How a failure is said in SIP. */
export interface SipAnswer {
  readonly status: number
  readonly reason: string
  /** Always part of this answer; what depends on the case is added by the caller. */
  readonly headers: readonly (readonly [string, string])[]
}

export function sipStatusOf(code: ErrorCode): SipAnswer {
  const answer: Answer = ANSWERS[code]
  return {
    status: answer.status,
    reason: answer.reason ?? reasonPhrase(answer.status),
    headers: answer.headers ?? [],
  }
}

/** Whether a code has a line in the table. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ANSWERS, code)
}

/**
 * The answer to whatever was thrown. Nothing of the error's message leaves; what has no line is 500, and the caller logs
 * it.
 */
export function sipStatusOfError(error: unknown): SipAnswer & { readonly isExpected: boolean } {
  const isExpected = error instanceof RollcallError && isErrorCode(error.code)
  return { ...sipStatusOf(isExpected ? (error.code as ErrorCode) : 'INTERNAL'), isExpected }
}
