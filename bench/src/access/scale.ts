import type { Until } from '../load/work.ts'

/** How much of everything in the access benchmarks. */
export interface AccessScale {
  /** The first two octets of all addresses. */
  readonly network: string
  readonly ues: number
  readonly rounds: number
  readonly round: Until
  readonly warmUp: Until
  /** A round of the profile behind the figures; none without it. */
  readonly profiled?: Until
}

export const ACCESS_FULL_SCALE: AccessScale = {
  network: '127.138',
  ues: 601,
  rounds: 3,
  round: { seconds: 3 },
  warmUp: { seconds: 2 },
  profiled: { seconds: 4 },
}
