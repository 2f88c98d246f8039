import { isAlive, type SeenLease } from './judge.ts'
import type { Member } from './member.ts'

/** Somebody else's mention of a partition. */
export interface Listing {
  readonly replica: string
  /** 0 while it is only claimed. */
  readonly epoch: bigint
  readonly loaded: boolean
}

/** What the leases of the others say. Pure. */
export interface OthersView {
  readonly members: readonly Member[]
  /** Names of those who take partitions. */
  readonly serving: readonly string[]
  /** By partition, who lists it; of several the one with the highest epoch. */
  readonly listings: ReadonlyMap<number, Listing>
  /** Names of those whose lease cannot be read. */
  readonly unreadable: readonly string[]
}

export const NOBODY_ELSE: OthersView = { members: [], serving: [], listings: new Map(), unreadable: [] }

/** Reads the leases of the others: who is alive, and what of the partitions they have. */
export function viewOf(leases: readonly SeenLease[]): OthersView {
  const members: Member[] = []
  const listings = new Map<number, Listing>()
  const unreadable: string[] = []
  for (const lease of leases.filter(isAlive)) {
    const { replica, record } = lease
    if (!record) {
      unreadable.push(replica)
      continue
    }
    const { incarnation, target, held } = record
    members.push({ replica, incarnation, target, state: record.state === 'leaving' ? 'leaving' : 'serving', held })
    for (const [partition, epoch] of held) {
      const known = listings.get(partition)
      if (!known || known.epoch < epoch) listings.set(partition, { replica, epoch, loaded: epoch > 0n })
    }
  }
  const serving = members.filter(({ state }) => state === 'serving').map(({ replica }) => replica)
  return { members, serving, listings, unreadable }
}

/** True when the leases say something new, and not only that their owners are there. */
export function differs(one: OthersView, other: OthersView): boolean {
  return digestOf(one) !== digestOf(other)
}

function digestOf({ members, unreadable }: OthersView): string {
  const parts = members.map(({ replica, incarnation, target, state, held }) =>
    [replica, incarnation, target, state, ...[...held].flat()].join(' '),
  )
  return [...parts.sort(), ...[...unreadable].sort()].join('\n')
}
