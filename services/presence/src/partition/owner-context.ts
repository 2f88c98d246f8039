import type { Clock, Impu } from '@rollcall/core'
import type { PresencePolicy } from '@rollcall/policy'
import type { Lease, RequestKey } from '@rollcall/store'
import type { StoredDocument, XcapRequest, XcapUsage } from '@rollcall/xcap'
import type { Decision } from '../actor/decision.ts'
import type { PublishInput } from '../actor/publish.ts'
import type { RegisterInput } from '../actor/register.ts'
import type { EventPackage, PresentityState, Subscription } from '../actor/state.ts'
import type { ResubscribeInput, SubscribeInput } from '../actor/subscribe.ts'
import type { Terms } from '../actor/terms.ts'
import type { AppendLoad } from './append-load.ts'
import type { SendNotify } from './notifier.ts'
import type { NotifyOutcome } from './notify-outcome.ts'
import type { SnapshotTurn } from './snapshot-turn.ts'

/** What owners of this process have in common. */
export interface OwnerContext {
  readonly clock: Clock
  readonly terms: Terms
  readonly limits: PartitionLimits
  readonly notifyGraceMs: number
  /** Shortest time between two NOTIFYs of changes in one dialog; 0: none. */
  readonly notifyIntervalMs: Readonly<Record<EventPackage, number>>
  readonly load: AppendLoad
  readonly snapshots: SnapshotTurn
  readonly sendNotify: (partition: number, ...args: Parameters<SendNotify>) => void
  readonly events: OwnerEvents
}

/** What one owner is given besides. */
export interface Ownership {
  readonly partition: number
  /** The right to tell, for this partition. */
  readonly lease: Lease
  /** Resolves when no earlier owner can tell anybody anything any more. */
  readonly sole: Promise<void>
  /** Its log reaches at least so far, or is not whole. */
  readonly floor: bigint
}

/** How much one partition may hold; more is refused with 503, for some of it will run out. */
export interface PartitionLimits {
  readonly presentities: number
  readonly subscriptions: number
  readonly bodyOctets: number
}

/** What an owner tells the service. */
export interface OwnerEvents {
  /** Publications or subscriptions ran out. */
  expired(count: number): void
  /** A subscription was ended by us before its time. */
  ended(presentity: Impu, subscription: Subscription, reason: string): void
  notified(outcome: NotifyOutcome): void
  /** A change of presence is durable, and so many watchers are told. */
  fanOut(watchers: number, traceparent: string): void
  /** A snapshot is in force, or could not be written. */
  snapshot(partition: number, error: unknown): void
}

/** A request as far as it is read outside of its partition. */
export interface OwnedRequest {
  readonly presentity: Impu
  readonly key: RequestKey
  readonly traceparent: string
  readonly input:
    | PublishInput
    | RegisterInput
    | Omit<SubscribeInput, 'notifyBase'>
    | Omit<ResubscribeInput, 'notifyBase'>
  /** The presentity's policy as it is now; absent when nobody asked for it. */
  readonly policy: CurrentPolicy | undefined
  /** Hears at once, with the answer not yet given, what was decided. */
  readonly decided: (decision: Decision) => void
}

/** A policy, which grows in revision when it changes. */
export interface CurrentPolicy {
  readonly revision: bigint
  readonly policy: PresencePolicy
  /** The presentity's own identities. */
  readonly impus: readonly Impu[]
}

/** An XCAP request for a document of a presentity; who asks has been found to be allowed to. */
export interface DocumentAsk {
  readonly presentity: Impu
  readonly request: XcapRequest
  readonly usage: XcapUsage
  /** For the next version of the document. */
  readonly newEtag: string
  readonly user: CurrentPolicy
  readonly traceparent: string
  /** Makes the document where it is not stored, but told of those that are. */
  readonly read?: (documents: PresentityState['documents']) => StoredDocument
}
