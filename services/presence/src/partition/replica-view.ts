import type { Lease, ReplicaGroup, Whereabouts } from '@rollcall/store'

/** What is asked of the replicas. */
type Group = Pick<ReplicaGroup, 'lease' | 'whereIs' | 'onChange'>

const MOVING: Whereabouts = { kind: 'moving' }

/**
 * The replicas as owners and the front see them, also before this one has joined: then nothing is here, and nothing may
 * be told.
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

  /** The lease itself, for whoever asks about all partitions. */
  get isLive(): boolean {
    return this.#group?.lease.isLive ?? false
  }

  whereIs(partition: number): Whereabouts {
    return this.#group?.whereIs(partition) ?? MOVING
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
