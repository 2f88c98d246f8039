import type { Envelope } from '@rollcall/proto-gen/hop'
import type { Role } from '../roles.ts'
import type { HopReply } from './service.ts'

/** Where a partition is served, as the store's replicas say it. */
export type PartitionPlace =
  | { readonly kind: 'here' }
  | { readonly kind: 'at'; readonly member: { readonly target: string } }
  | { readonly kind: 'moving' }

/**
 * Why a request was neither served nor forwarded:
 * `moving`: nobody has taken the partition in time; `no-peer`: its owner could not be reached; `no-answer`: its owner got
 * the request and did not answer in time; `parked-full`: too many wait; `second-forward`: another replica forwarded it
 * here, and it is not served here.
 */
export type ForwardFailure = 'moving' | 'no-peer' | 'no-answer' | 'parked-full' | 'second-forward'

/** A request that belongs to the owner of a partition. Exactly one of `here`, `reply` and `unavailable` ends it. */
export interface ForwardRequest {
  readonly partition: number
  /** As it came: it goes on unchanged. Not to be changed afterwards. */
  readonly sip: Buffer
  /** Of its topmost Via. */
  readonly branch: string
  readonly envelope: Envelope
  /** Of the peer that it came from, and if a replica forwarded it, of the peer before. */
  readonly from: Role
  /** How long the sender still waits. */
  readonly deadlineMs: number
  /** Gets what the owner answers, unchanged. */
  readonly reply: HopReply
  /** The partition is served here: now, or after a wait. */
  readonly here: () => void
  /** Nobody serves it: answer 503 with this envelope, by which another replica knows that it may try again. */
  readonly unavailable: (why: ForwardFailure, envelope: Envelope) => void
}
