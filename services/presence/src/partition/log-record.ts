import type { Impu } from '@rollcall/core'
import type { RequestKey } from '@rollcall/store'
import type { EndedSubscription } from '../actor/apply.ts'
import type { Change } from '../actor/change.ts'
import type { Answer } from '../actor/decision.ts'
import type { PresentityPart } from './presentities.ts'

/** What stands in the log of a partition. */
export type LogRecord = DecisionRecord | OwnerStartedRecord | WatermarkRecord

/** One decision about one presentity: all of its changes, or none. */
export interface DecisionRecord {
  readonly kind: 'decision'
  readonly decidedAtMs: number
  readonly presentity: Impu
  /** Absent when the owner acted by itself. */
  readonly answered: AnsweredRequestRecord | undefined
  readonly changes: readonly Change[]
}

/** A request and the answer that it got. */
export interface AnsweredRequestRecord {
  readonly key: RequestKey
  readonly answer: Answer
}

/** An owner begins. Ordinals count owners, so that each has CSeqs of its own in every dialog. */
interface OwnerStartedRecord {
  readonly kind: 'owner-started'
  readonly decidedAtMs: number
  readonly ordinal: number
}

/** All NOTIFYs caused by records up to `sequence` are answered or given up, but for the lagging subscriptions'. */
export interface WatermarkRecord {
  readonly kind: 'watermark'
  readonly decidedAtMs: number
  readonly sequence: bigint
  readonly lagging: readonly Lagging[]
}

/** A subscription whose watcher could not be told yet. */
export interface Lagging {
  readonly presentity: Impu
  readonly subscriptionId: string
}

/** What stands in a snapshot of a partition: the first kind first and once, then the others. */
export type SnapshotRecord = PartitionSnapshotRecord | PresentitySnapshotRecord | AnswersSnapshotRecord

export interface PartitionSnapshotRecord {
  readonly kind: 'partition-snapshot'
  readonly decidedAtMs: number
  /** Of the owner that made it. */
  readonly ordinal: number
  /** The last watermark. */
  readonly watermark: Pick<WatermarkRecord, 'sequence' | 'lagging'>
}

/** One presentity, or a part of it, and who was not told yet. */
export interface PresentitySnapshotRecord {
  readonly kind: 'presentity-snapshot'
  readonly decidedAtMs: number
  readonly part: PresentityPart
  readonly untold: readonly UntoldRecord[]
}

/** Somebody who was not told of a record. */
export interface UntoldRecord {
  readonly whom: { readonly subscriptionId: string } | { readonly ended: Omit<EndedSubscription, 'silent'> }
  /** Of that record; undefined when it was on its way and had none yet. */
  readonly sequence: bigint | undefined
  readonly traceparent: string
}

/** Answers that a retransmission may still ask for. */
export interface AnswersSnapshotRecord {
  readonly kind: 'answers-snapshot'
  readonly decidedAtMs: number
  readonly answers: readonly (AnsweredRequestRecord & { readonly answeredAtMs: number })[]
}
