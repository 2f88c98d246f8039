import { GENERATOR_ADDRESS, type KAMAILIO_PORTS } from '../addresses.ts'
import { Generator } from '../load/generator.ts'
import { OUTSTANDING_CASES } from '../own-benches.ts'
import type { BenchRow, RatioRow } from '../report/bench-row.ts'
import { medianReport } from '../report/median-report.ts'
import { round } from '../report/statistics.ts'
import { RollcallSide } from '../rollcall/rollcall-side.ts'
import { type MeasuredReport, rowOf, type Side, serverCpuUs } from '../side.ts'
import {
  FULL_SCALE,
  fanoutWorkload,
  publishWorkload,
  type Scale,
  subscribeWorkload,
  type Workload,
} from '../workloads.ts'
import { Kamailio } from './kamailio.ts'
import { MissingPackagesError, missingPackages } from './packages.ts'
import { Postgres } from './postgres.ts'

/** Rounds of each side; what is compared is their medians. */
const ROUNDS = 5
/** Those that keep what they answered 2xx to, and the one that keeps nothing. */
const MODES: readonly (keyof typeof KAMAILIO_PORTS)[] = ['write-through', 'database', 'memory']

/** One case on all sides. */
export interface Compared {
  readonly rows: readonly BenchRow[]
  readonly ratio: RatioRow
}

/**
 * Does the same work on both sides, by the same generator, round by round in turn, so that what else the machine does
 * meets all alike.
 *
 * @throws MissingPackagesError
 */
export async function* comparePeer(scale: Scale = FULL_SCALE, rounds = ROUNDS): AsyncGenerator<Compared> {
  const missing = missingPackages()
  if (missing.length > 0) throw new MissingPackagesError(missing)
  await using all = new AsyncDisposableStack()
  const ours = all.use(await RollcallSide.start()).side
  const postgres = all.use(await Postgres.start())
  const peers: Side[] = []
  for (const mode of MODES) {
    const kamailio = all.use(await Kamailio.start(mode, postgres))
    const generator = all.use(await Generator.start(GENERATOR_ADDRESS))
    const processes = {
      kamailio: { pid: kamailio.process.pid, isTree: true },
      postgres: { pid: postgres.process.pid, isTree: true },
    }
    peers.push({ name: mode, server: kamailio.endpoint, generator, processes })
  }
  const workloads = [...OUTSTANDING_CASES.map((many) => publishWorkload(many, scale)), subscribeWorkload(scale)]
  for (const workload of [...workloads, fanoutWorkload(scale)]) {
    yield await compare(workload, ours, peers, rounds)
  }
}

async function compare(workload: Workload, ours: Side, peers: readonly Side[], rounds: number): Promise<Compared> {
  const sides = [ours, ...peers]
  const reports = new Map<Side, MeasuredReport[]>(sides.map((side) => [side, []]))
  for (const side of sides) await workload.prepare(side)
  for (let i = 0; i < rounds; i++) {
    for (const side of sides) reports.get(side)?.push(await workload.round(side))
  }
  const medians = new Map(sides.map((side) => [side, medianReport(reports.get(side) ?? [])]))
  return {
    rows: [...medians].map(([side, report]) => rowOf(workload.name, `${workload.case}, ${side.name}`, report)),
    ratio: ratioOf(
      workload,
      medians.get(ours),
      peers.map((side) => [side.name, medians.get(side)] as const),
    ),
  }
}

/** How many times the peer's rate ours is, and how many times our CPU time the peer's is. */
export function ratioOf(
  workload: Pick<Workload, 'name' | 'case'>,
  ours: MeasuredReport | undefined,
  peers: readonly (readonly [mode: string, report: MeasuredReport | undefined])[],
): RatioRow {
  const rate = (report: MeasuredReport | undefined): number =>
    report ? report.report.operations / report.report.seconds : Number.NaN
  const cpu = (report: MeasuredReport | undefined): number => (report ? serverCpuUs(report) : Number.NaN)
  const byMode = (of: (report: MeasuredReport | undefined) => number, digits: number): Record<string, number> =>
    Object.fromEntries(peers.map(([mode, report]) => [mode, round(of(report), digits)]))
  return {
    name: workload.name,
    case: workload.case,
    ours_per_s: Math.round(rate(ours)),
    peer_per_s: byMode(rate, 0),
    ratio: byMode((report) => rate(ours) / rate(report), 2),
    cpu_ratio: byMode((report) => cpu(report) / cpu(ours), 2),
  }
}
