import type { Endpoint } from './addresses.ts'
import type { Generator } from './load/generator.ts'
import type { LoadReport, Work } from './load/work.ts'
import { cpuUs, rssMb, treeCpuUs, treeRssMb } from './process-usage.ts'
import type { BenchRow } from './report/bench-row.ts'
import { round } from './report/statistics.ts'

/** A process under test; of a tree all are counted together. */
export interface Measured {
  readonly pid: number
  readonly isTree?: boolean
}

/** A server under test with a generator of its own, which knows its entity-tags and dialogs. */
export interface Side {
  readonly name: string
  readonly server: Endpoint
  readonly generator: Generator
  readonly processes: Readonly<Record<string, Measured>>
}

/** What one run of some work used. */
export interface MeasuredReport {
  readonly report: LoadReport
  /** CPU time an operation, in microseconds. */
  readonly cpuUs: Readonly<Record<string, number>>
  readonly rssMb: Readonly<Record<string, number>>
}

/** Work of a closed loop, with CPU time and memory of all processes beside it. */
export async function measure(
  side: Side,
  work: Extract<Work, { kind: 'publish' | 'subscribe' | 'fanout' }>,
): Promise<MeasuredReport> {
  const all: Record<string, Measured> = { ...side.processes, generator: { pid: side.generator.pid } }
  const each = (of: (measured: Measured) => number): Record<string, number> =>
    Object.fromEntries(Object.entries(all).map(([name, measured]) => [name, of(measured)]))
  const cpu = (): Record<string, number> => each(({ pid, isTree }) => (isTree ? treeCpuUs(pid) : cpuUs(pid)))
  const before = cpu()
  const report = await side.generator.run(work)
  const after = cpu()
  const perOperation = (name: string, us: number): number => round((us - (before[name] ?? 0)) / report.operations, 1)
  return {
    report,
    cpuUs: Object.fromEntries(Object.entries(after).map(([name, us]) => [name, perOperation(name, us)])),
    rssMb: each(({ pid, isTree }) => Math.round(isTree ? treeRssMb(pid) : rssMb(pid))),
  }
}

/** CPU time an operation of everything but the generator. */
export function serverCpuUs({ cpuUs: cpu }: Pick<MeasuredReport, 'cpuUs'>): number {
  return Object.entries(cpu).reduce((sum, [name, us]) => (name === 'generator' ? sum : sum + us), 0)
}

/** The row of one run. */
export function rowOf(name: string, caseText: string, { report, cpuUs: cpu, rssMb: rss }: MeasuredReport): BenchRow {
  const { operations, seconds, p50Ms, p99Ms, failures, resent, repeated, allMs } = report
  const more = {
    ...(allMs === undefined ? {} : { all_told_ms: round(allMs, 1) }),
    // What a clean run has none of is told only when there is some.
    ...Object.fromEntries(
      Object.entries(failures).map(([why, count]) => [`failed_${why.replaceAll(' ', '_')}`, count]),
    ),
    ...(resent > 0 ? { resent } : {}),
    ...(repeated > 0 ? { repeated } : {}),
  }
  return {
    name,
    case: caseText,
    ops_per_s: Math.round(operations / seconds),
    p50_ms: p50Ms,
    p99_ms: p99Ms,
    cpu_us: cpu,
    rss_mb: rss,
    ...(Object.keys(more).length > 0 ? { more } : {}),
  }
}
