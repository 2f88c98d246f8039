import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { runSeeds, type SeedsRun, type SeedsToRun } from './run-seeds.ts'
import { type SimResult, Simulation } from './simulation.ts'

const SEEDS_DEFAULT = 100
/** Fewer are not worth the start of a thread. */
const SEEDS_A_JOB_MIN = 25
/** Events shown of a seed that went wrong, or of one that is run alone. */
const LINES_DEFAULT = 120
const USAGE = 'npm run sim -- [--seeds N] [--seed FIRST] [--steps FAULTS] [--lines N] [--jobs N]'

interface Options {
  readonly first: number
  readonly seeds: number
  readonly faults: number | undefined
  readonly lines: number
  readonly jobs: number
}

function readOptions(): Options {
  const text = { type: 'string' } as const
  const { values } = parseArgs({ options: { seeds: text, seed: text, steps: text, lines: text, jobs: text } })
  const whole = (value: string | undefined): number | undefined => {
    if (value === undefined) return undefined
    if (!/^\d{1,9}$/.test(value)) throw new RangeError(`${value} is no whole number. usage: ${USAGE}`)
    return Number(value)
  }
  const first = whole(values.seed)
  const seeds = whole(values.seeds) ?? (first === undefined ? SEEDS_DEFAULT : 1)
  const jobs = whole(values.jobs) ?? availableParallelism()
  return {
    first: first ?? 1,
    seeds,
    faults: whole(values.steps),
    lines: whole(values.lines) ?? LINES_DEFAULT,
    jobs: Math.max(1, Math.min(jobs, Math.floor(seeds / SEEDS_A_JOB_MIN))),
  }
}

/** Each job has every so manieth seed. The first that goes wrong ends them all. */
async function runAll({ first, seeds, faults, jobs }: Options): Promise<SeedsRun[]> {
  const shares = Array.from({ length: jobs }, (_, job): SeedsToRun => {
    const count = Math.ceil((seeds - job) / jobs)
    return { first: first + job, count, step: jobs, ...(faults !== undefined && { faults }) }
  })
  if (shares.length === 1) return await Promise.all(shares.map(runSeeds))
  const done: SeedsRun[] = []
  const workers = shares.map((workerData) => new Worker(new URL('./worker.ts', import.meta.url), { workerData }))
  await Promise.all(
    workers.map(async (worker) => {
      const [result] = (await Promise.race([once(worker, 'message'), once(worker, 'exit').then(() => [])])) as [
        SeedsRun?,
      ]
      if (result) done.push(result)
      if (result?.red) await Promise.all(workers.map((each) => each.terminate()))
    }),
  )
  return done
}

function reportRed({ seed, faults, trace }: SimResult, o: Options): void {
  console.log(trace.slice(-o.lines).join('\n'))
  for (const fault of faults) console.log(`\nFAULT of seed ${seed}: ${fault}`)
  const steps = o.faults === undefined ? '' : ` --steps ${o.faults}`
  console.log(`\nreplay: npm run sim -- --seed ${seed}${steps}`)
}

async function runOne(o: Options): Promise<void> {
  const result = await new Simulation(o.first, o.faults === undefined ? {} : { faults: o.faults }).run()
  if (result.faults.length > 0) {
    reportRed(result, o)
    process.exitCode = 1
    return
  }
  console.log(result.trace.slice(-o.lines).join('\n'))
  console.log(`seed ${o.first}: nothing wrong; ${result.steps} steps, digest ${result.digest}`)
}

async function main(): Promise<void> {
  const o = readOptions()
  if (o.seeds === 1) {
    await runOne(o)
    return
  }
  const begin = performance.now()
  const runs = await runAll(o)
  const seconds = (performance.now() - begin) / 1_000
  const red = runs.find((run) => run.red)?.red
  if (red) {
    reportRed(red, o)
    process.exitCode = 1
    return
  }
  const sum = (of: (run: SeedsRun) => number): number => runs.reduce((total, run) => total + of(run), 0)
  const virtual = Math.round(sum(({ virtualMs }) => virtualMs) / 1_000)
  console.log(
    `${sum(({ count }) => count)} seeds, ${virtual} virtual seconds, ${sum(({ notifies }) => notifies)} NOTIFYs: ` +
      `nothing wrong; ${seconds.toFixed(1)} s, ${(o.seeds / seconds).toFixed(1)} seeds/s`,
  )
}

await main()
