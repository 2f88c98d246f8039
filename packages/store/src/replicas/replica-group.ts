import type { Lease } from './lease.ts'
import type { Member, Whereabouts } from './member.ts'

/** The replicas of one service, seen from one of them: what services lean on. `Replicas` is it, `soleReplica` a fake. */
export interface ReplicaGroup {
  readonly lease: Lease
  /** The live ones, this one included. */
  readonly members: readonly Member[]
  whereIs(partition: number): Whereabouts
  /** Calls `listener` when whereabouts or members have changed, until the returned function is called. */
  onChange(listener: () => void): () => void
  /** For /readyz: empty when every partition assigned to this one is served and the lease is live. */
  readonly problems: readonly string[]
  /** Hands over all that is held, says that this one is gone, and stops. */
  leave(): Promise<void>
}
