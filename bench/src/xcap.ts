import { printProfiles, withProfiles } from './access/profiles.ts'
import type { BenchOptions } from './command.ts'
import { monotonicMs, type Until } from './load/work.ts'
import type { BenchRow } from './report/bench-row.ts'
import { medianReport } from './report/median-report.ts'
import { type MeasuredReport, rowOf } from './side.ts'
import { UtStack } from './ut/ut-stack.ts'
import type { UtWork } from './ut/ut-work.ts'

const OUTSTANDING_CASES: readonly number[] = [1, 16, 64]

/** How much of everything. */
export interface UtScale {
  readonly network: string
  readonly users: number
  readonly rounds: number
  readonly round: Until
  readonly warmUp: Until
}

const FULL_SCALE: UtScale = {
  network: '127.139',
  users: 64,
  rounds: 3,
  round: { seconds: 3 },
  warmUp: { seconds: 2 },
}

/** XCAP through the Authentication Proxy by GBA digest, on TLS that is kept: a document read, an element replaced durably. */
export async function* benchXcap(o: BenchOptions, scale: UtScale = FULL_SCALE): AsyncGenerator<BenchRow> {
  yield* measureXcap(scale)
  if (o.isProfiled) await profilePuts(scale)
}

async function* measureXcap(scale: UtScale): AsyncGenerator<BenchRow> {
  await using stack = await UtStack.start(scale)
  for (const kind of ['get', 'put'] as const) {
    const outstanding = Math.min(scale.users, 64)
    await stack.measure({ kind, outstanding, until: scale.warmUp })
    for (const cases of OUTSTANDING_CASES.filter((one) => one <= scale.users)) {
      yield await rowFor(stack, 'xcap', `${kind.toUpperCase()}, ${cases} outstanding`, scale, {
        kind,
        outstanding: cases,
      })
    }
  }
}

/** Prints where time goes with PUTs, of a network of its own, so that it costs the figures nothing. */
async function profilePuts(scale: UtScale): Promise<void> {
  using profiles = withProfiles(true, ['ap', 'presence'])
  let sinceMs = 0
  {
    await using stack = await UtStack.start({ ...scale, ...profiles.options })
    const work = { kind: 'put', outstanding: scale.users } as const
    await stack.measure({ ...work, until: scale.warmUp })
    sinceMs = monotonicMs()
    await stack.measure({ ...work, until: scale.round })
  }
  printProfiles('xcap, PUT', profiles, sinceMs)
}

/** From a rule that is put to the NOTIFY that follows from it, at a watcher in ESP; nothing else goes on. */
export async function* benchRuleToNotify(_: BenchOptions, scale: UtScale = FULL_SCALE): AsyncGenerator<BenchRow> {
  await using stack = await UtStack.start({ ...scale, users: 1 })
  await stack.measure({ kind: 'notify', outstanding: 1, until: scale.warmUp })
  yield await rowFor(stack, 'rule-to-notify', 'idle', scale, { kind: 'notify', outstanding: 1 })
}

async function rowFor(
  stack: UtStack,
  name: string,
  title: string,
  scale: UtScale,
  work: Omit<UtWork, 'until'>,
): Promise<BenchRow> {
  const rounds: MeasuredReport[] = []
  for (let i = 0; i < scale.rounds; i++) rounds.push(await stack.measure({ ...work, until: scale.round }))
  return rowOf(name, title, medianReport(rounds))
}
