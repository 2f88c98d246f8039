import { createHash } from 'node:crypto'

/** So many partitions a replica takes at a time, and so many it releases: the rest is served meanwhile. */
export const MOVES_MAX = 4

/**
 * Who is to serve each partition: rendezvous hashing. Of all replicas the one whose name gives the highest SHA-256 with
 * the partition has it, so that one that comes takes only its own share, one that goes leaves only its own, and all who see
 * the same replicas agree without a word. Empty when there is nobody.
 */
export function assign(partitions: number, replicas: readonly string[]): readonly string[] {
  if (replicas.length === 0) return []
  return Array.from({ length: partitions }, (_, partition) => {
    let best = ''
    let bestWeight: Buffer | undefined
    for (const replica of replicas) {
      const weight = weightOf(partition, replica)
      if (bestWeight && weight.compare(bestWeight) <= 0) continue
      bestWeight = weight
      best = replica
    }
    return best
  })
}

function weightOf(partition: number, replica: string): Buffer {
  return createHash('sha256').update(`${replica}/${partition}`).digest()
}

/** What one replica sees, for `planMoves`. */
export interface Scene {
  readonly self: string
  /** By partition, as `assign` gives it; empty when nobody serves. */
  readonly assigned: readonly string[]
  /** What live others list: `loaded` once they know its epoch. */
  readonly others: ReadonlyMap<number, { readonly replica: string; readonly loaded: boolean }>
  /** What this one lists. */
  readonly own: ReadonlyMap<number, 'claimed' | 'taking' | 'held' | 'releasing'>
  /** Those that could not be taken a moment ago. */
  readonly deferred: ReadonlySet<number>
}

/** What to begin now. */
export interface Moves {
  readonly claim: readonly number[]
  readonly release: readonly number[]
}

/**
 * Takes what is assigned to this replica and listed by nobody, and hands over what is assigned to another one, a few at a
 * time. A partition is kept until the other one has a hand free for it: else it would lie with nobody.
 */
export function planMoves(scene: Scene): Moves {
  const claim: number[] = []
  const release: number[] = []
  const counts = { claimed: 0, taking: 0, held: 0, releasing: 0 }
  for (const state of scene.own.values()) counts[state] += 1
  const coming = comingTo(scene)
  scene.assigned.forEach((replica, partition) => {
    const state = scene.own.get(partition)
    if (replica === scene.self) {
      const isFree = state === undefined && !scene.others.has(partition) && !scene.deferred.has(partition)
      if (isFree && counts.claimed + counts.taking + claim.length < MOVES_MAX) claim.push(partition)
      return
    }
    const onItsWay = coming.get(replica) ?? 0
    const mayRelease = counts.releasing + release.length < MOVES_MAX && onItsWay < MOVES_MAX
    if (state !== 'held' || !mayRelease) return
    release.push(partition)
    coming.set(replica, onItsWay + 1)
  })
  return { claim, release }
}

/** How many partitions each replica has yet to take, of those that lie with nobody or are handed to it now. */
function comingTo({ assigned, others, own }: Scene): Map<string, number> {
  const coming = new Map<string, number>()
  assigned.forEach((replica, partition) => {
    const state = own.get(partition)
    const lister = others.get(partition)
    const isComing =
      state === undefined
        ? lister === undefined || (lister.replica === replica && !lister.loaded)
        : state === 'releasing'
    if (isComing) coming.set(replica, (coming.get(replica) ?? 0) + 1)
  })
  return coming
}
