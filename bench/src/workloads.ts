import type { BenchName } from './command.ts'
import type { Until, Work } from './load/work.ts'
import { type MeasuredReport, measure, type Side } from './side.ts'

/** How much of everything. */
export interface Scale {
  readonly presentities: number
  readonly watchers: number
  /** One round of a case. */
  readonly round: Until
  readonly warmUp: Until
}

export const FULL_SCALE: Scale = {
  presentities: 1_000,
  watchers: 1_000,
  round: { seconds: 3 },
  warmUp: { seconds: 2 },
}

/** One case of a benchmark: the same for whoever serves. */
export interface Workload {
  readonly name: BenchName
  readonly case: string
  /** Once for each side: what must be there, and the warm-up. */
  prepare(side: Side): Promise<void>
  /** One round. */
  round(side: Side): Promise<MeasuredReport>
}

/** Each kind of work has presentities of its own. */
const FIRST = { publish: 0, subscribe: 1_000_000, fanout: 2_000_000 } as const
const OUTSTANDING = 64

/** PUBLISHes that modify, so many outstanding. */
export function publishWorkload(outstanding: number, scale: Scale): Workload {
  const presentities = { first: FIRST.publish, count: scale.presentities }
  const work = <U extends Until>(side: Side, many: number, until: U) =>
    ({ kind: 'publish', server: side.server, presentities, outstanding: many, until }) as const
  return {
    name: 'publish',
    case: `${outstanding} outstanding`,
    async prepare(side) {
      await succeed(side, work(side, OUTSTANDING, { operations: presentities.count }))
      await side.generator.run(work(side, OUTSTANDING, scale.warmUp))
      await side.generator.run(work(side, outstanding, scale.warmUp))
    },
    round: (side) => measure(side, work(side, outstanding, scale.round)),
  }
}

/** New watchers of presentities that have published. */
export function subscribeWorkload(scale: Scale): Workload {
  const presentities = { first: FIRST.subscribe, count: scale.presentities }
  const work = <U extends Until>(side: Side, until: U) =>
    ({ kind: 'subscribe', server: side.server, presentities, outstanding: OUTSTANDING, until }) as const
  return {
    name: 'subscribe',
    case: `${OUTSTANDING} outstanding`,
    async prepare(side) {
      await succeed(side, { ...work(side, { operations: presentities.count }), kind: 'publish' })
      await side.generator.run(work(side, scale.warmUp))
    },
    round: (side) => measure(side, work(side, scale.round)),
  }
}

/** One presentity whom many watch. */
export function fanoutWorkload(scale: Scale): Workload {
  const presentity = FIRST.fanout
  const one = { presentities: { first: presentity, count: 1 } } as const
  return {
    name: 'fanout',
    case: `${scale.watchers} watchers`,
    async prepare(side) {
      const { server, generator } = side
      await succeed(side, { kind: 'publish', server, ...one, outstanding: 1, until: { operations: 1 } })
      const until = { operations: scale.watchers }
      await succeed(side, { kind: 'subscribe', server, ...one, outstanding: OUTSTANDING, until })
      await generator.run({ kind: 'fanout', server, presentity, until: scale.warmUp })
    },
    round: (side) => measure(side, { kind: 'fanout', server: side.server, presentity, until: scale.round }),
  }
}

/** Does what a measurement leans on. @throws when it was not all done. */
export async function succeed(
  side: Side,
  work: Extract<Work, { kind: 'publish' | 'subscribe' }> & { readonly until: { readonly operations: number } },
): Promise<void> {
  const { operations, failures } = await side.generator.run(work)
  if (operations >= work.until.operations) return
  throw new Error(`${side.name}: ${work.kind} was answered ${JSON.stringify(failures)}`)
}
