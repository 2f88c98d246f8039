import type { SubHandling } from '@rollcall/policy'
import { type ErrorCode, sipStatusOf } from '@rollcall/sip'
import type { Change } from './change.ts'

/** A final answer to a SIP request, apart from what every answer copies from its request. */
export interface Answer {
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** Tag of the To header, for a request that had none. */
  readonly toTag: string
}

/** Why the actor refuses, and how that is said in SIP. The reason is a label of the counter and of the audit event. */
const REFUSALS = {
  'bad-expires': 'SIP_SYNTAX',
  'body-malformed': 'CONTENT_INVALID',
  'body-missing': 'CONTENT_INVALID',
  'body-too-large': 'CONTENT_TOO_LARGE',
  'body-type': 'MEDIA_TYPE_UNSUPPORTED',
  'cseq-out-of-order': 'SIP_CSEQ_OUT_OF_ORDER',
  'entity-tag': 'ENTITY_TAG_UNKNOWN',
  'expires-too-brief': 'SUBSCRIPTION_INTERVAL_TOO_BRIEF',
  'foreign-watcher': 'IDENTITY_NOT_AUTHORIZED',
  'foreign-documents': 'IDENTITY_NOT_AUTHORIZED',
  'foreign-winfo': 'IDENTITY_NOT_AUTHORIZED',
  'not-acceptable': 'MEDIA_TYPE_NOT_ACCEPTABLE',
  'policy-block': 'POLICY_REFUSED',
  'publications-full': 'PUBLICATIONS_FULL',
  'subscription-unknown': 'SIP_DIALOG_UNKNOWN',
  'subscriptions-full': 'SUBSCRIPTIONS_FULL',
  'watcher-unproved': 'AUTHENTICATION_REQUIRED',
} as const satisfies Record<string, ErrorCode>

export type RefusalReason = keyof typeof REFUSALS

/** What the actor made of an input. */
export interface Decision {
  /** To be written as one record; none: nothing changes. */
  readonly changes: readonly Change[]
  /** For a request. It leaves when the record is durable. */
  readonly answer?: Answer
  /** The request is refused. */
  readonly refusal?: RefusalReason
  /** What the policy said, when it was asked. */
  readonly handling?: SubHandling
  /** When rules may say something else of this watcher by themselves. */
  readonly nextChangeMs?: number | undefined
}

/** Refuses a request and changes nothing. `code` is given where the failure has a finer one. */
export function refuse(
  refusal: RefusalReason,
  toTag: string,
  headers: Answer['headers'] = [],
  code: ErrorCode = REFUSALS[refusal],
): Decision {
  return { changes: [], answer: { status: sipStatusOf(code).status, headers, toTag }, refusal }
}
