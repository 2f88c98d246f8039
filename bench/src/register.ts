import { SIP_SERVICES } from '@rollcall/deploy/local/stack.ts'
import { AccessStack } from './access/access-stack.ts'
import { printProfiles, withProfiles } from './access/profiles.ts'
import { ACCESS_FULL_SCALE, type AccessScale } from './access/scale.ts'
import type { BenchOptions } from './command.ts'
import { monotonicMs } from './load/work.ts'
import type { BenchRow } from './report/bench-row.ts'
import { medianReport } from './report/median-report.ts'
import { type MeasuredReport, rowOf } from './side.ts'

const OUTSTANDING_CASES: readonly number[] = [1, 16, 64]

/**
 * Full registrations: REGISTER, AKA challenge, four SAs, protected REGISTER, 200, through P-CSCF, S-CSCF and HSS, with what
 * follows from each: the P-CSCF's subscription to the reg event is told, all of it durable. The same UEs come again and
 * again, each as after it was switched on.
 */
export async function* benchRegister(
  o: BenchOptions,
  scale: AccessScale = ACCESS_FULL_SCALE,
): AsyncGenerator<BenchRow> {
  using profiles = withProfiles(o.isProfiled, SIP_SERVICES)
  let sinceMs = 0
  {
    await using stack = await AccessStack.start({ ...scale, ...profiles.options })
    const ues = { first: 0, count: scale.ues }
    await stack.prepare({ kind: 'register', ues, outstanding: 64, until: { operations: scale.ues } })
    await stack.measure({ kind: 'register', ues, outstanding: 64, until: scale.warmUp })
    sinceMs = monotonicMs()
    for (const outstanding of OUTSTANDING_CASES) {
      const rounds: MeasuredReport[] = []
      for (let i = 0; i < scale.rounds; i++) {
        rounds.push(await stack.measure({ kind: 'register', ues, outstanding, until: scale.round }))
      }
      yield rowOf('register', `${outstanding} outstanding`, medianReport(rounds))
    }
  }
  printProfiles('register', profiles, sinceMs)
}
