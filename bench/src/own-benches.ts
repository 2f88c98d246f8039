import type { BenchOptions } from './command.ts'
import { printSelfTimes } from './cpu-profile.ts'
import { benchPublishOverHop } from './publish-over-hop.ts'
import type { BenchRow } from './report/bench-row.ts'
import { medianReport } from './report/median-report.ts'
import { RollcallSide } from './rollcall/rollcall-side.ts'
import { type MeasuredReport, rowOf } from './side.ts'
import { TemporaryFolder } from './temporary-folder.ts'
import {
  FULL_SCALE,
  fanoutWorkload,
  publishWorkload,
  type Scale,
  subscribeWorkload,
  type Workload,
} from './workloads.ts'

/** Rounds of each case; the figures are their medians. */
const ROUNDS = 3
export const OUTSTANDING_CASES: readonly number[] = [1, 16, 64]

/** PUBLISH over SIP/UDP, and the same over the hop. */
export async function* benchPublish(o: BenchOptions, scale: Scale = FULL_SCALE): AsyncGenerator<BenchRow> {
  const workloads = OUTSTANDING_CASES.map((outstanding) => publishWorkload(outstanding, scale))
  yield* benchAlone(workloads, o)
  yield* benchPublishOverHop(o, scale)
}

/** SUBSCRIBE, its 200 and its NOTIFY. */
export function benchSubscribe(o: BenchOptions, scale: Scale = FULL_SCALE): AsyncGenerator<BenchRow> {
  return benchAlone([subscribeWorkload(scale)], o)
}

/** One PUBLISH to many watchers; operations are NOTIFYs. */
export function benchFanout(o: BenchOptions, scale: Scale = FULL_SCALE): AsyncGenerator<BenchRow> {
  return benchAlone([fanoutWorkload(scale)], o)
}

/** Measures Rollcall alone. */
async function* benchAlone(workloads: readonly Workload[], o: BenchOptions): AsyncGenerator<BenchRow> {
  using profile = o.isProfiled ? new TemporaryFolder('profile') : undefined
  {
    await using rollcall = await RollcallSide.start(profile ? { profileFolder: profile.path } : {})
    for (const workload of workloads) {
      await workload.prepare(rollcall.side)
      const rounds: MeasuredReport[] = []
      for (let i = 0; i < ROUNDS; i++) rounds.push(await workload.round(rollcall.side))
      yield rowOf(workload.name, workload.case, medianReport(rounds))
    }
  }
  if (profile) printSelfTimes('the Presence Server', profile.path)
}
