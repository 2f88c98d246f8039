import { BootstrapStack } from './bootstrap/bootstrap-stack.ts'
import type { BenchOptions } from './command.ts'
import { printSelfTimes } from './cpu-profile.ts'
import type { Until } from './load/work.ts'
import type { BenchRow } from './report/bench-row.ts'
import { medianReport } from './report/median-report.ts'
import { type MeasuredReport, rowOf } from './side.ts'
import { TemporaryFolder } from './temporary-folder.ts'

const OUTSTANDING_CASES: readonly number[] = [1, 16, 64]

/** How much of everything. */
export interface BootstrapScale {
  readonly address?: string
  readonly users: number
  readonly rounds: number
  readonly round: Until
  readonly warmUp: Until
}

const FULL_SCALE: BootstrapScale = { users: 256, rounds: 3, round: { seconds: 3 }, warmUp: { seconds: 2 } }

/**
 * Bootstrappings: GET, AKA challenge, GET with the answer, 200 with the context durable, through a BSF and an HSS, each a
 * process, on a store that syncs each write. UEs keep their connections; their ISIMs work in the generator.
 */
export async function* benchBootstrap(o: BenchOptions, scale: BootstrapScale = FULL_SCALE): AsyncGenerator<BenchRow> {
  using profile = o.isProfiled ? new TemporaryFolder('profile') : undefined
  {
    await using stack = await BootstrapStack.start({ ...scale, ...(profile && { profileFolder: profile.path }) })
    await stack.measure({ outstanding: 64, until: scale.warmUp })
    for (const outstanding of OUTSTANDING_CASES) {
      const rounds: MeasuredReport[] = []
      for (let i = 0; i < scale.rounds; i++) rounds.push(await stack.measure({ outstanding, until: scale.round }))
      yield rowOf('bootstrap', `${outstanding} outstanding`, medianReport(rounds))
    }
  }
  if (profile) printSelfTimes('the BSF', profile.path)
}
