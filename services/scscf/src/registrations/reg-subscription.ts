import type { Impu } from '@rollcall/core'

/** Who may hear of registrations (TS 24.229 clause 5.4.2.1.1). */
export type RegSubscriberKind = 'user' | 'pcscf' | 'as'

/** A subscription to the registration state of a set: a dialog, and whose it is (RFC 3680 section 4). */
export interface RegSubscription {
  /** The tag in To of the subscriber's requests. */
  readonly id: string
  readonly kind: RegSubscriberKind
  /** The asserted identity; of a P-CSCF the Path URI that it asserts. */
  readonly subscriber: string
  /** The private identity that a UE's security association is bound to; empty for others. */
  readonly impi: string
  /** The public identity that was subscribed to. */
  readonly resource: Impu
  /** `id` of the Event header field; empty when there is none. */
  readonly eventId: string
  readonly callId: string
  readonly remoteTag: string
  readonly localUri: string
  readonly remoteUri: string
  readonly remoteTarget: string
  readonly routeSet: readonly string[]
  readonly remoteCseq: number
  readonly expiresAtMs: number
  /** CSeq of the last NOTIFY when this was written, and the epoch of who owned the partition then. */
  readonly notifyBase: { readonly cseq: number; readonly epoch: number }
}

/** A change of the subscriptions of one set, as the log has it. */
export type SubscriptionChange =
  /** Made, or refreshed. */
  | { readonly kind: 'subscribed'; readonly subscription: RegSubscription }
  | { readonly kind: 'unsubscribed'; readonly id: string }
