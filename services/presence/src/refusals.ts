import type { ErrorCode } from '@rollcall/sip'

/**
 * Why a request is refused before the actor sees it, and how that is said in SIP; the actor's own refusals are in
 * `actor/decision.ts`. The reason is a label of the counter.
 */
export const FRONT_REFUSALS = {
  malformed: 'SIP_MALFORMED',
  'method-unknown': 'SIP_METHOD_NOT_ALLOWED',
  'extension-unknown': 'SIP_EXTENSION_UNSUPPORTED',
  'body-malformed': 'CONTENT_INVALID',
  'body-too-large': 'CONTENT_TOO_LARGE',
  'body-type': 'MEDIA_TYPE_UNSUPPORTED',
  'event-package': 'EVENT_PACKAGE_UNKNOWN',
  'presentity-unknown': 'USER_UNKNOWN',
  'foreign-presentity': 'IDENTITY_NOT_AUTHORIZED',
  'dialog-unknown': 'SIP_DIALOG_UNKNOWN',
  'peer-role': 'IDENTITY_NOT_AUTHORIZED',
  unverified: 'IDENTITY_NOT_AUTHORIZED',
  'proof-wrong': 'AUTHENTICATION_REQUIRED',
  'proof-stale': 'AUTHENTICATION_REQUIRED',
  'proof-replayed': 'AUTHENTICATION_REQUIRED',
  'proof-attempts': 'AUTHENTICATION_FAILED',
  'register-domain': 'USER_UNKNOWN',
  'watcher-not-ended': 'STORE_FENCED',
  'hss-away': 'RPC_UNAVAILABLE',
  'store-away': 'STORE_UNAVAILABLE',
  'store-full': 'STORE_FULL',
  'lease-ended': 'STORE_UNAVAILABLE',
  'partition-lost': 'STORE_FENCED',
  'partition-full': 'STORE_FULL',
  'partition-moving': 'STORE_FENCED',
  'not-owner': 'STORE_FENCED',
  'owner-away': 'STORE_FENCED',
  'policy-stale': 'STORE_FENCED',
  overload: 'SIP_OVERLOADED',
} as const satisfies Record<string, ErrorCode>

export type FrontRefusal = keyof typeof FRONT_REFUSALS
