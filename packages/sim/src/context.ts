import type { StoreShape } from '@rollcall/store'
import type { Watcher } from './clients/watcher.ts'
import type { Hss } from './hss.ts'
import type { World } from './loop/world.ts'
import type { Network } from './network.ts'
import type { SimReplica } from './replica.ts'
import type { SimStore } from './store/sim-store.ts'
import type { Trace } from './trace.ts'
import type { Witness } from './witness.ts'

/** How the presence service of a simulation is cut. */
export const SHAPE: StoreShape = { partitions: 4, shards: 2 }

/** What all parts of one simulation share. */
export interface Context {
  readonly world: World
  readonly network: Network
  readonly store: SimStore
  readonly hss: Hss
  readonly trace: Trace
  readonly witness: Witness
  /** The processes that run, by name, and those that have ended and were not started again. */
  readonly replicas: Map<string, SimReplica>
  readonly watchers: ReadonlyMap<string, Watcher>
  /** Wall clocks of processes differ by no more than this. */
  readonly clockSlackMs: number
}
