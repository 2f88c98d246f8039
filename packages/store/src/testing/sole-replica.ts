import type { HeldPartition, TakePartition } from '../replicas/held-partition.ts'
import type { Member, Whereabouts } from '../replicas/member.ts'
import type { ReplicaGroup } from '../replicas/replica-group.ts'

/** What a test may do to `soleReplica`. */
export interface SoleReplica extends ReplicaGroup {
  /** Ends the lease, or makes it live again. */
  setLive(isLive: boolean): void
  /** Drops a partition as if another one had it, and takes it again. */
  retake(partition: number): Promise<void>
}

/**
 * The only replica of a service, without NATS: always live unless told otherwise, and every partition is here once it is
 * taken. Resolves when all are taken. For tests.
 */
export async function soleReplica(o: {
  readonly partitions: number
  readonly take: TakePartition
  readonly replica?: string
  readonly target?: string
  /** What partitions are taken with; resolved by default. */
  readonly sole?: Promise<void>
}): Promise<SoleReplica> {
  const held = new Map<number, HeldPartition>()
  const listeners = new Set<() => void>()
  const leaseListeners = new Set<(isLive: boolean) => void>()
  const sole = o.sole ?? Promise.resolve()
  let isLive = true
  let isHere = true
  const tell = (): void => {
    for (const listener of [...listeners]) listener()
  }
  const take = async (partition: number): Promise<void> => {
    const taken = await o.take(partition, { sole, floor: 0n, signal: new AbortController().signal })
    held.set(partition, taken)
    void taken.lost.then(() => {
      if (held.get(partition) === taken) held.delete(partition)
      tell()
    })
  }
  const group: SoleReplica = {
    lease: {
      get isLive() {
        return isLive
      },
      onChange(listener) {
        leaseListeners.add(listener)
        return () => void leaseListeners.delete(listener)
      },
    },
    get members(): readonly Member[] {
      const epochs = new Map([...held].map(([partition, { epoch }]) => [partition, epoch]))
      const { replica = 'sole', target = '127.0.0.1:0' } = o
      return [{ replica, incarnation: '1', target, state: isHere ? 'serving' : 'leaving', held: epochs }]
    },
    whereIs: (partition): Whereabouts => (held.has(partition) ? { kind: 'here' } : { kind: 'moving' }),
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    get problems() {
      return held.size === o.partitions && isLive ? [] : [`${o.partitions - held.size} partitions are not served`]
    },
    async leave() {
      isHere = false
      await Promise.all([...held.values()].map((one) => one.release()))
      held.clear()
      tell()
    },
    setLive(value) {
      if (value === isLive) return
      isLive = value
      for (const listener of [...leaseListeners]) listener(value)
    },
    async retake(partition) {
      held.get(partition)?.drop()
      held.delete(partition)
      tell()
      await take(partition)
      tell()
    },
  }
  await Promise.all(Array.from({ length: o.partitions }, (_, partition) => take(partition)))
  return group
}
