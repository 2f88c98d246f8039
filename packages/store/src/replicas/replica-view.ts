import type { Lease } from './lease.ts'
import type { Member, Whereabouts } from './member.ts'
import type { ReplicaGroup } from './replica-group.ts'

/** What is asked of the replicas. */
type Group = Pick<ReplicaGroup, 'lease' | 'members' | 'whereIs' | 'onChange'>

const MOVING: Whereabouts = { kind: 'moving' }

/**
 * The replicas as a service sees them, also before this one has joined: then nothing is here, and nothing may be told.
 */
export class ReplicaView {
  readonly #listeners = new Set<() => void>()
  #group: Group | undefined

  /** From now on the replicas are known. */
  join(group: Group): void {
    this.#group = group
    group.onChange(() => this.#tell())
    group.lease.onChange(() => this.#tell())
    this.#tell()
  }

  get isJoined(): boolean {
    return this.#group !== undefined
  }

  /** Whether what is in memory here may be told: no other replica can have changed it. */
  get isLive(): boolean {
    return this.#group?.lease.isLive ?? false
  }

  whereIs(partition: number): Whereabouts {
    return this.#group?.whereIs(partition) ?? MOVING
  }

  /** The live replicas, this one included; nobody before this one has joined. */
  get members(): readonly Member[] {
    return this.#group?.members ?? []
  }

  /** The live replica of this name. */
  member(replica: string): Member | undefined {
    return this.members.find((member) => member.replica === replica)
  }

  /** Calls `listener` when a partition may have another place, or the lease began or ended. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * The right to tell what stands in one partition: the lease is live, and the others know who has the partition. Before
   * they do, two who took it could both tell, and neither would know.
   */
  leaseOf(partition: number): Lease {
    const isLive = (): boolean => this.#group?.lease.isLive === true && this.whereIs(partition).kind === 'here'
    return {
      get isLive() {
        return isLive()
      },
      onChange: (listener) => {
        let wasLive = isLive()
        return this.onChange(() => {
          const nowLive = isLive()
          if (nowLive === wasLive) return
          wasLive = nowLive
          listener(nowLive)
        })
      },
    }
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
