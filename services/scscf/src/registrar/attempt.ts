import type { AkaDigestAlgorithm, AuthenticationVector } from '@rollcall/aka'
import type { Impi, Impu } from '@rollcall/core'
import type { ServiceProfile } from '@rollcall/proto-gen/cx'
import type { RefusalReason } from '../refusal.ts'
import type { RegisterRequest } from './register-request.ts'

/** A challenge that was sent: what the UE saw of it, and what only the network knows. */
export interface Challenge {
  readonly nonce: string
  /** By which the UE is to answer. */
  readonly algorithm: AkaDigestAlgorithm
  readonly vector: AuthenticationVector
}

/**
 * One attempt to register: from a REGISTER without credentials to its end. Attempts are told apart by IMPI, the source
 * that the P-CSCF saw, and Call-ID, so that nobody who sends from elsewhere disturbs another's (readings, Access 2).
 */
export interface Attempt {
  readonly key: string
  readonly impi: Impi
  readonly impu: Impu
  readonly callId: string
  /** It began over a security association. */
  readonly isProtected: boolean
  /** Challenges that were sent after the first one, because the UE could not or did not answer it. */
  readonly repeats: number
  readonly phase: Phase
}

/** How far an attempt is. In each phase but `challenged` a request waits for its answer. */
export type Phase =
  /** UAR is under way. */
  | { readonly kind: 'authorizing'; readonly request: RegisterRequest }
  /** MAR is under way. */
  | { readonly kind: 'fetching'; readonly request: RegisterRequest }
  /** The 401 was sent; reg-await-auth runs. */
  | { readonly kind: 'challenged'; readonly challenge: Challenge; readonly cseq: number }
  /** RES was right; SAR is under way. */
  | { readonly kind: 'assigning'; readonly request: RegisterRequest }
  /** The binding, or its end, is on its way to the log. */
  | { readonly kind: 'storing'; readonly request: RegisterRequest }

/** What the HSS said, or did not say. */
export type CxOutcome<T> =
  | ({ readonly kind: 'success' } & T)
  | { readonly kind: 'refused'; readonly reason: RefusalReason }
  | { readonly kind: 'unavailable' }

/** What happens to an attempt. */
export type AttemptInput =
  | { readonly kind: 'register'; readonly request: RegisterRequest; readonly bound: BoundInstance | undefined }
  | { readonly kind: 'authorized'; readonly outcome: CxOutcome<object>; readonly bound: BoundInstance | undefined }
  | { readonly kind: 'fetched'; readonly outcome: CxOutcome<{ readonly vector: AuthenticationVector }> }
  | { readonly kind: 'assigned'; readonly outcome: CxOutcome<{ readonly profile: ServiceProfile }> }
  | { readonly kind: 'stored'; readonly outcome: StoreOutcome }
  /** reg-await-auth has run out. */
  | { readonly kind: 'timed-out' }

/** What an IMPI has bound now. */
export interface BoundInstance {
  readonly instance: string
  /** Of its contacts. */
  readonly uris: readonly string[]
}

/** What became of a binding or of its end. */
export type StoreOutcome =
  | { readonly kind: 'accepted'; readonly answer: AcceptedAnswer }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }

/** A 200: everything that its header fields say beyond what every response copies. */
export interface AcceptedAnswer {
  readonly toTag: string
  readonly headers: readonly (readonly [name: string, value: string])[]
}

/** How a REGISTER is answered. */
export type RegisterAnswer =
  | { readonly kind: 'challenge'; readonly challenge: Challenge }
  | { readonly kind: 'accepted'; readonly answer: AcceptedAnswer }
  | { readonly kind: 'refused'; readonly reason: RefusalReason }

/** What is to be done. */
export type AttemptEffect =
  | { readonly kind: 'authorize'; readonly request: RegisterRequest }
  | { readonly kind: 'fetch'; readonly request: RegisterRequest; readonly resync: Buffer | undefined }
  | { readonly kind: 'assign'; readonly request: RegisterRequest }
  | { readonly kind: 'bind'; readonly request: RegisterRequest; readonly profile: ServiceProfile }
  | { readonly kind: 'unbind'; readonly request: RegisterRequest }
  | { readonly kind: 'answer'; readonly request: RegisterRequest; readonly answer: RegisterAnswer }
  /** Tell the HSS that an authentication came to nothing. No answer is waited for. */
  | { readonly kind: 'report'; readonly type: 'failure' | 'timeout'; readonly impi: Impi; readonly impu: Impu }
  /** RES was right. */
  | { readonly kind: 'verified'; readonly request: RegisterRequest }

/** Rules that an operator may set. */
export interface AttemptRules {
  /** The digest realm: the home domain. */
  readonly realm: string
  /** How often a UE that cannot use a challenge gets another one in the same attempt (TS 24.229 clause 5.4.1.2.3A). */
  readonly repeatsMax: number
  /** How challenges are to be answered (RFC 3310, RFC 4169). */
  readonly algorithm: AkaDigestAlgorithm
}

/** The state afterwards, none when the attempt has ended, and what is to be done, in order. */
export interface AttemptStep {
  readonly attempt: Attempt | undefined
  readonly effects: readonly AttemptEffect[]
}
