import type { MeasuredReport } from '../side.ts'
import { median, round } from './statistics.ts'

/** The median of each figure over some rounds of the same work; what went wrong is added up. */
export function medianReport(rounds: readonly MeasuredReport[]): MeasuredReport {
  const middle = (of: (one: MeasuredReport) => number): number => round(median(rounds.map(of)), 3)
  const each = (of: (one: MeasuredReport) => Readonly<Record<string, number>>): Record<string, number> => {
    const names = Object.keys(rounds[0] ? of(rounds[0]) : {})
    return Object.fromEntries(names.map((name) => [name, middle((one) => of(one)[name] ?? Number.NaN)]))
  }
  const sum = (of: (one: MeasuredReport) => number): number => rounds.reduce((total, one) => total + of(one), 0)
  const failures: Record<string, number> = {}
  for (const { report } of rounds) {
    for (const [status, count] of Object.entries(report.failures)) failures[status] = (failures[status] ?? 0) + count
  }
  const hasAll = rounds.some(({ report }) => report.allMs !== undefined)
  return {
    report: {
      // A rate is what rounds are compared by: so many operations in one second.
      operations: middle(({ report }) => report.operations / report.seconds),
      seconds: 1,
      p50Ms: middle(({ report }) => report.p50Ms),
      p99Ms: middle(({ report }) => report.p99Ms),
      failures,
      resent: sum(({ report }) => report.resent),
      repeated: sum(({ report }) => report.repeated),
      ...(hasAll ? { allMs: middle(({ report }) => report.allMs ?? Number.NaN) } : {}),
    },
    cpuUs: each((one) => one.cpuUs),
    rssMb: each((one) => one.rssMb),
  }
}
