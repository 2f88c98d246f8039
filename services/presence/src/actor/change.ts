import type { SubHandling } from '@rollcall/policy'
import type { SubscriptionDialog } from './packed-dialog.ts'
import type { NotifyBase, Registration, Subscription } from './state.ts'

/** Why a subscription ended (RFC 6665 section 4.1.3). */
export type EndReason = 'timeout' | 'rejected' | 'giveup' | 'deactivated'

/** What a SUBSCRIBE says of a subscription; the rest comes of the record as a whole. */
export interface StoredSubscription
  extends Omit<Subscription, 'startedAtMs' | 'watcherEvent' | 'traceparent' | 'dialog' | 'remoteCseq'> {
  readonly dialog: SubscriptionDialog
}

/** What can happen to a presentity's state. Changes of one decision are one record. */
export type Change =
  | {
      readonly kind: 'publication-stored'
      readonly number: number
      /** Absent for a new publication. */
      readonly replacedEntityTag: string | undefined
      readonly entityTag: string
      readonly expiresAtMs: number
      readonly body: Buffer
    }
  | {
      readonly kind: 'publication-refreshed'
      readonly replacedEntityTag: string
      readonly entityTag: string
      readonly expiresAtMs: number
    }
  | { readonly kind: 'publication-removed'; readonly entityTag: string; readonly expired: boolean }
  | {
      readonly kind: 'subscription-stored'
      readonly subscription: StoredSubscription
    }
  | {
      readonly kind: 'subscription-refreshed'
      readonly id: string
      readonly remoteCseq: number
      readonly remoteTarget: string
      readonly expiresAtMs: number
      readonly handling: SubHandling
      readonly notifyBase: NotifyBase
    }
  | { readonly kind: 'subscription-decided'; readonly id: string; readonly handling: SubHandling }
  | {
      readonly kind: 'subscription-ended'
      readonly id: string
      readonly reason: EndReason
      /** The watcher is told nothing any more: its dialog is gone. */
      readonly silent: boolean
    }
  | ({ readonly kind: 'registration-stored' } & Omit<Registration, 'isRegistered'>)
  | ({
      readonly kind: 'registration-ended'
      readonly forgetAtMs: number
      readonly expired: boolean
    } & Omit<Registration, 'isRegistered' | 'expiresAtMs'>)
  | { readonly kind: 'registration-forgotten' }
  | {
      readonly kind: 'document-stored'
      /** `documentKey` */
      readonly key: string
      readonly etag: string
      readonly octets: Buffer
    }
  | { readonly kind: 'document-removed'; readonly key: string }
  | { readonly kind: 'notify-base-moved'; readonly id: string; readonly notifyBase: NotifyBase }
