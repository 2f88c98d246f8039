import type { Impu } from '@rollcall/core'
import type { SubHandling } from '@rollcall/policy'

/** The event packages we are a notifier for (RFC 3856, RFC 3857). */
export type EventPackage = 'presence' | 'presence.winfo'

/** One publication: what one presence user agent says, until when (RFC 3903 section 4). Never changed, only replaced. */
export interface Publication {
  /** Counts the publications of a presentity; stays over modifications. */
  readonly number: number
  readonly entityTag: string
  readonly expiresAtMs: number
  /** When its content came: older content loses in composition. */
  readonly receivedAtMs: number
  readonly body: Buffer
}

/** One subscription, which is one dialog (RFC 6665 section 4.5). Never changed, only replaced. */
export interface Subscription {
  /** Our tag in the dialog, which no other subscription has. */
  readonly id: string
  readonly eventPackage: EventPackage
  /** The Event header's id parameter; empty when absent. */
  readonly eventId: string
  /** The identity that was subscribed to: a watcher of an alias learns of no other. */
  readonly resource: Impu
  /** Asserted identities of the watcher. */
  readonly watcher: readonly Impu[]
  readonly handling: SubHandling
  /** How it came to its status (RFC 3857 section 4.7.1). */
  readonly watcherEvent: 'subscribe' | 'approved'
  readonly startedAtMs: number
  readonly expiresAtMs: number
  readonly dialog: SubscriptionDialog
  readonly notifyBase: NotifyBase
  /** Trace context of its last SUBSCRIBE, for the NOTIFYs to link to; empty when there is none. */
  readonly traceparent: string
}

/** The dialog at our side (RFC 3261 section 12.1.1); the local tag is the subscription's id. */
export interface SubscriptionDialog {
  readonly callId: string
  readonly remoteTag: string
  readonly localUri: string
  readonly remoteUri: string
  readonly remoteTarget: string
  readonly routeSet: readonly string[]
  readonly remoteCseq: number
}

/** Where the CSeqs of a dialog's NOTIFYs go on, and in which owner's time that was written. */
export interface NotifyBase {
  readonly cseq: number
  readonly ownerOrdinal: number
}

/** Everything about one presentity. Changed by `applyChanges` alone, live and when the log is read alike. */
export interface PresentityState {
  readonly presentity: Impu
  /** By entity tag. */
  readonly publications: Map<string, Publication>
  /** By id. */
  readonly subscriptions: Map<string, Subscription>
  lastPublicationNumber: number
}

/** A presentity about whom nothing is known. */
export function emptyState(presentity: Impu): PresentityState {
  return { presentity, publications: new Map(), subscriptions: new Map(), lastPublicationNumber: 0 }
}

/** When something of this presentity runs out next. */
export function nextExpiryMs(state: PresentityState): number {
  let nextMs = Number.POSITIVE_INFINITY
  for (const { expiresAtMs } of state.publications.values()) nextMs = Math.min(nextMs, expiresAtMs)
  for (const { expiresAtMs } of state.subscriptions.values()) nextMs = Math.min(nextMs, expiresAtMs)
  return nextMs
}
