import type { Member, ReplicaGroup, Whereabouts } from '@rollcall/store'

/** What is asked of the replicas. */
type Group = Pick<ReplicaGroup, 'lease' | 'members' | 'whereIs' | 'onChange'>

const MOVING: Whereabouts = { kind: 'moving' }

/** The replicas as everybody here sees them, also before this one has joined: then nothing is here. */
export class ReplicaView {
  readonly #listeners = new Set<() => void>()
  #group: Group | undefined

  /** From now on the replicas are known. */
  join(group: Group): void {
    this.#group = group
    group.onChange(() => this.#tell())
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

  /** The live replica of this name. */
  member(replica: string): Member | undefined {
    return this.#group?.members.find((member) => member.replica === replica)
  }

  get members(): readonly Member[] {
    return this.#group?.members ?? []
  }

  /** Calls `listener` when a partition may have another place, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }
}
