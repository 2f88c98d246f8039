import type { Impu } from '@rollcall/core'
import type { PresenceRules, SubHandling } from '@rollcall/policy'
import type { SubscriptionDialog } from './packed-dialog.ts'
import type { NotifyBase, Registration, Subscription } from './state.ts'
import type { WaitingEnd } from './waiting.ts'
import type { XcapSelection } from './xcap-selection.ts'

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
      /** From now on the watcher hides; absent: as before. */
      readonly isHidden?: true
      /** Of the package `xcap-diff`: other documents than before; absent for the same. */
      readonly xcap?: XcapSelection
    }
  | { readonly kind: 'subscription-decided'; readonly id: string; readonly handling: SubHandling }
  | {
      readonly kind: 'subscription-ended'
      readonly id: string
      readonly reason: EndReason
      /** The watcher is told nothing any more: its dialog is gone. */
      readonly silent: boolean
      /** The watcher goes on waiting for the presentity's word; absent: it does not. */
      readonly waitsUntilMs?: number
    }
  | { readonly kind: 'waiting-ended'; readonly id: string; readonly reason: WaitingEnd }
  | {
      /** A SUBSCRIBE was refused, and the presentity is told who it was. */
      readonly kind: 'watcher-refused'
      /** No subscription has it. */
      readonly id: string
      readonly watcher: readonly Impu[]
      readonly isHidden: boolean
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
      /** The rules of all documents with this one, from who has made them already; not part of what is remembered. */
      readonly rules?: PresenceRules | undefined
    }
  | { readonly kind: 'document-removed'; readonly key: string }
  | { readonly kind: 'notify-base-moved'; readonly id: string; readonly notifyBase: NotifyBase }
