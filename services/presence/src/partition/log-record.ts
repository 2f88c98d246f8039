import type { Impu } from '@rollcall/core'
import type { RequestKey } from '@rollcall/store'
import type { Change } from '../actor/change.ts'
import type { Answer } from '../actor/decision.ts'

/** What stands in the log of a partition. */
export type LogRecord = DecisionRecord | OwnerStartedRecord | WatermarkRecord

/** One decision about one presentity: all of its changes, or none. */
export interface DecisionRecord {
  readonly kind: 'decision'
  readonly decidedAtMs: number
  readonly presentity: Impu
  /** Absent when the owner acted by itself. */
  readonly answered: { readonly key: RequestKey; readonly answer: Answer } | undefined
  readonly changes: readonly Change[]
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
