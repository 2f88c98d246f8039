import type { Impu, RollcallError } from '@rollcall/core'

/** Why something that came in was thrown away: a counter each. */
export type UeDropReason =
  /** No SIP message. */
  | 'malformed'
  /** A request outside of any SA (TS 24.229 clause 5.1.1.1). */
  | 'unprotected-request'
  /** A request in a set that is not established yet. */
  | 'temporary-set'
  /** A response to a protected request that came outside of its SA. */
  | 'unprotected-response'
  /** A response that nobody waits for. */
  | 'stray-response'
  /** The table of transactions is full. */
  | 'overload'
  /** A packet that the SA back end refused. */
  | 'esp'
  /** A message that could not be sent: its set is gone, or the system did not take it. */
  | 'not-sent'

/** Why the network says that our registration is over (RFC 3680 section 3.4.2). */
export type RegistrationEndReason =
  /** The UE may register again at once, and does so by itself. */
  | 'deactivated'
  /** The UE registers again after the time that the network gave. */
  | 'probation'
  /** The UE must not register by itself: that is for a person to decide. */
  | 'rejected'
  | 'unregistered'
  | 'expired'

/** What a UE tells of itself while nobody asks. Identities and keys are not in it. */
export type UeEvent =
  | { readonly kind: 'registered'; readonly expiresAtMs: number }
  | { readonly kind: 'deregistered' }
  /** The registration is gone, or the P-CSCF does not answer any more; the UE tries to come back when it may. */
  | { readonly kind: 'registration-lost'; readonly error: RollcallError | undefined }
  /** Something could not be refreshed; it is tried again while there is time. */
  | {
      readonly kind: 'refresh-failed'
      readonly what: 'registration' | 'publication' | 'subscription'
      readonly error: RollcallError
    }
  /** The network wants the UE to authenticate anew before so long is over; the UE does so in time. */
  | { readonly kind: 'registration-shortened'; readonly expiresSeconds: number }
  /** The network took the registration back (TS 24.229 clause 5.1.1.7). */
  | {
      readonly kind: 'registration-ended'
      readonly reason: RegistrationEndReason
      readonly retryAfterSeconds: number | undefined
      /** The UE registers again by itself. */
      readonly comesBack: boolean
    }
  /** These identities are not registered any more; others are. */
  | { readonly kind: 'identities-removed'; readonly identities: readonly Impu[] }
  /** The subscription to the own registration was refused or has ended. The UE goes on without, and may try again. */
  | { readonly kind: 'reg-event-ended'; readonly reason: string; readonly error: RollcallError | undefined }
  | { readonly kind: 'subscription-ended'; readonly uri: string; readonly reason: string }
  | { readonly kind: 'dropped'; readonly reason: UeDropReason }
