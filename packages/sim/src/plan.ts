import type { Chance } from './chance.ts'

/** What one seed makes of a simulation. */
export interface Plan {
  readonly replicas: number
  readonly presentities: number
  readonly watchers: number
  readonly publishersEach: number
  /** Faults until calm, and the time between two of them at most. */
  readonly faults: number
  readonly faultEveryMs: number
  /** How far clock rates are off at most. */
  readonly drift: number
  /** How far wall clocks jump at most. */
  readonly wallJumpMs: number
  /** Shares in a thousand. */
  readonly lost: number
  readonly doubled: number
  readonly late: number
  readonly stale: number
  readonly heldUp: number
  readonly silentWatchers: number
}

/** Two machines differ by less than a tenth. */
const DRIFT_MAX = 0.04
const HOUR_MS = 3_600_000

/** Draws a plan: most seeds have some of everything, some much of one thing. */
export function planOf(chance: Chance, faults: number): Plan {
  const some = (max: number): number => (chance.inThousand(400) ? 0 : chance.below(max))
  return {
    replicas: 2 + chance.below(2),
    presentities: 3 + chance.below(3),
    watchers: 2 + chance.below(3),
    publishersEach: 1 + chance.below(2),
    faults,
    faultEveryMs: chance.pick([500, 1_500, 4_000]),
    drift: chance.inThousand(500) ? 0 : chance.share() * DRIFT_MAX,
    wallJumpMs: chance.inThousand(100) ? HOUR_MS : some(4_000),
    lost: some(60),
    doubled: some(30),
    late: some(60),
    stale: some(300),
    heldUp: some(400),
    silentWatchers: some(150),
  }
}
