import { setTimeout as delay } from 'node:timers/promises'
import type { BenchOptions } from './command.ts'
import type { Work } from './load/work.ts'
import { rssMb } from './process-usage.ts'
import type { BenchRow } from './report/bench-row.ts'
import type { PresenceMemory } from './rollcall/presence-process.ts'
import { RollcallSide } from './rollcall/rollcall-side.ts'
import { measure, rowOf } from './side.ts'
import { succeed } from './workloads.ts'

export interface MemoryScale {
  /** So many presentities, and then so many subscriptions. */
  readonly counts: readonly number[]
  /** Until what is kept of requests for who sends them again is gone: 64*T1 and its slack. */
  readonly settleMs: number
  readonly address?: string
}

const COUNT = 100_000
const MILLION = 1_000_000
const SETTLE_MS = 60_000
/** Subscriptions of one presentity. */
const WATCHERS_EACH = 10
const OUTSTANDING = 64
/** What is there before anything is counted, so that code and tables of the beginning do not count. */
const WARM_UP = 5_000
const FIRST = 10_000_000

/** Octets that the processes grow by. */
interface Footprint {
  readonly node: PresenceMemory
  readonly natsRssOctets: number
}

/** How much memory a presentity and a subscription take, in the Presence Server and in NATS. */
export async function* benchMemory(o: BenchOptions, scale?: MemoryScale): AsyncGenerator<BenchRow> {
  const { counts, ...of } = scale ?? { counts: o.isMillion ? [COUNT, MILLION] : [COUNT], settleMs: SETTLE_MS }
  for (const count of counts) yield* measureCount(count, of)
}

async function* measureCount(
  count: number,
  { settleMs, address }: Omit<MemoryScale, 'counts'>,
): AsyncGenerator<BenchRow> {
  await using rollcall = await RollcallSide.start({ isMeasured: true, ...(address ? { address } : {}) })
  const { side } = rollcall
  const warmUp = Math.min(count, WARM_UP)
  const first = { first: 0, count: warmUp }
  await succeed(side, { ...work('publish', side.server, first, warmUp) })
  await succeed(side, { ...work('subscribe', side.server, first, warmUp) })
  const presentities = { first: FIRST, count }
  const watched = { first: FIRST, count: Math.max(1, count / WATCHERS_EACH) }
  let before = await footprint(rollcall, settleMs)
  for (const [kind, of, what] of [
    ['publish', presentities, 'presentities'],
    ['subscribe', watched, 'subscriptions'],
  ] as const) {
    const measured = await measure(side, work(kind, side.server, of, count))
    const after = await footprint(rollcall, settleMs)
    const row = rowOf('memory', `${count} ${what}`, measured)
    const rss = {
      ...row.rss_mb,
      presence: Math.round(after.node.rss / 1e6),
      nats: Math.round(after.natsRssOctets / 1e6),
    }
    yield { ...row, rss_mb: rss, more: { ...row.more, ...growth(before, after, count) } }
    before = after
  }
}

function work(
  kind: 'publish' | 'subscribe',
  server: RollcallSide['side']['server'],
  presentities: { first: number; count: number },
  operations: number,
) {
  return {
    kind,
    server,
    presentities,
    outstanding: Math.min(OUTSTANDING, presentities.count),
    until: { operations },
  } as const satisfies Work
}

async function footprint({ presence, store }: RollcallSide, settleMs: number): Promise<Footprint> {
  await delay(settleMs)
  return { node: await presence.memory(), natsRssOctets: rssMb(store.pid) * 1e6 }
}

/** Octets each; what is external to the heap contains its array buffers. */
export function growth(before: Footprint, after: Footprint, count: number): Record<string, number> {
  const each = (of: (one: Footprint) => number): number => Math.round((of(after) - of(before)) / count)
  return {
    node_heap_octets_each: each(({ node }) => node.heapUsed),
    node_external_octets_each: each(({ node }) => node.external),
    node_rss_octets_each: each(({ node }) => node.rss),
    nats_rss_octets_each: each(({ natsRssOctets }) => natsRssOctets),
    octets_each: each(({ node, natsRssOctets }) => node.rss + natsRssOctets),
  }
}
