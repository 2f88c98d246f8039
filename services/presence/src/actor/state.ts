import type { Impi, Impu } from '@rollcall/core'
import type { DigestAlgorithm } from '@rollcall/digest'
import type { SubHandling } from '@rollcall/policy'
import type { Documents } from './documents.ts'
import { FewMap } from './few-map.ts'
import { type PackedDialog, type SubscriptionDialog, unpackDialog } from './packed-dialog.ts'
import { Subscriptions } from './subscriptions.ts'
import { nextGiveUpMs, type WaitingWatchers } from './waiting.ts'
import type { XcapSelection } from './xcap-selection.ts'

/** The event packages we are a notifier for (RFC 3856, RFC 3857, RFC 5875). */
export type EventPackage = 'presence' | 'presence.winfo' | 'xcap-diff'

/** One publication: what one presence user agent says, until when (RFC 3903 section 4). Never changed, only replaced. */
export interface Publication {
  /** Counts the publications of a presentity; stays over modifications. */
  readonly number: number
  readonly entityTag: string
  readonly expiresAtMs: number
  /** When its content came: older content loses in composition. */
  readonly receivedAtMs: number
  /** Octets of the document as latin1 text: in this shape they take a third less memory than as a Buffer. */
  readonly body: string
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
  /** The watcher asks that nobody be told who it is (RFC 3323): to rules and to the presentity it has no name. */
  readonly isHidden: boolean
  /** How the watcher proved to this server who it is; undefined when the network asserted that. */
  readonly proof: WatcherProof | undefined
  /** The presentity watches itself, be it by another of its identities: no rule keeps it from that. */
  readonly isOwn: boolean
  readonly handling: SubHandling
  /** How it came to its status (RFC 3857 section 4.7.1). */
  readonly watcherEvent: 'subscribe' | 'approved'
  readonly startedAtMs: number
  readonly expiresAtMs: number
  /** `dialogOf` reads it. */
  readonly dialog: PackedDialog
  /** CSeq of the last SUBSCRIBE in the dialog. */
  readonly remoteCseq: number
  readonly notifyBase: NotifyBase
  /** Trace context of its last SUBSCRIBE, for the NOTIFYs to link to; empty when there is none. */
  readonly traceparent: string
  /** Of the package `xcap-diff`: which documents. Those who watch presence have none, and no room for it either. */
  readonly xcap?: XcapSelection
}

/** A watcher's own proof: SIP Digest against a provisioned password (RFC 3261 section 22.2, RFC 8760). */
export interface WatcherProof {
  /** Whose password it was. */
  readonly impi: Impi
  readonly algorithm: DigestAlgorithm
}

/** Where the CSeqs of a dialog's NOTIFYs go on, and in which owner's time that was written. */
export interface NotifyBase {
  readonly cseq: number
  readonly ownerOrdinal: number
}

/** Whether the presentity is registered, as its S-CSCF says (TS 24.229 clause 5.4.1.7). Never changed, only replaced. */
export interface Registration {
  readonly isRegistered: boolean
  /** When it runs out; of one that has ended, when it is forgotten. */
  readonly expiresAtMs: number
  /** When what it says came to be at the S-CSCF: what is older says nothing any more. */
  readonly toldAtMs: number
  /** Of the third-party REGISTER that said so. */
  readonly callId: string
  readonly cseq: number
}

/** Everything about one presentity. Changed by `applyChanges` alone, live and when the log is read alike. */
export interface PresentityState {
  readonly presentity: Impu
  /** By entity tag. */
  readonly publications: FewMap<Publication>
  /** By id. */
  readonly subscriptions: Subscriptions
  lastPublicationNumber: number
  /** Undefined when nobody has told. */
  registration: Registration | undefined
  /** Undefined when there is none, as with most. */
  documents: Documents | undefined
  /** Undefined when nobody waits, as with most. */
  waiting: WaitingWatchers | undefined
  /** When its owner looks next for what has run out: not part of what is remembered. */
  lookAtMs: number
}

/** A presentity about whom nothing is known. */
export function emptyState(presentity: Impu): PresentityState {
  return {
    presentity,
    publications: new FewMap(entityTagOf),
    subscriptions: new Subscriptions(),
    lastPublicationNumber: 0,
    registration: undefined,
    documents: undefined,
    waiting: undefined,
    lookAtMs: Number.POSITIVE_INFINITY,
  }
}

function entityTagOf(publication: Publication): string {
  return publication.entityTag
}

/** The dialog of a subscription, unpacked. */
export function dialogOf(subscription: Subscription): SubscriptionDialog {
  return { ...unpackDialog(subscription.dialog, subscription), remoteCseq: subscription.remoteCseq }
}

/** When something of this presentity runs out next, or her rules say something else by themselves; never later than that. */
export function nextExpiryMs(state: PresentityState): number {
  let nextMs = Math.min(state.subscriptions.nextExpiryMs, nextGiveUpMs(state.waiting), rulesChangeMs(state))
  for (const { expiresAtMs } of state.publications.values()) nextMs = Math.min(nextMs, expiresAtMs)
  return Math.min(nextMs, registrationDueMs(state))
}

/** When the rules next say something else by themselves to somebody who watches or waits. */
export function rulesChangeMs({ documents }: PresentityState): number {
  return documents?.changeAtMs ?? Number.POSITIVE_INFINITY
}

/** When the registration runs out or is forgotten. Beside publications its end shows, and is not forgotten. */
export function registrationDueMs({ registration, publications }: PresentityState): number {
  if (!registration) return Number.POSITIVE_INFINITY
  const isKept = !registration.isRegistered && publications.size > 0
  return isKept ? Number.POSITIVE_INFINITY : registration.expiresAtMs
}
