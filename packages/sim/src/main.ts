import { parseArgs } from 'node:util'
import { type SimResult, Simulation } from './simulation.ts'

const SEEDS_DEFAULT = 100
/** Events shown of a seed that went wrong. */
const LINES_DEFAULT = 120
const USAGE = 'npm run sim -- [--seeds N] [--seed FIRST] [--steps FAULTS] [--lines N]'

/** Seeds to run, and how much harm each does. */
interface Options {
  readonly first: number
  readonly seeds: number
  readonly faults: number | undefined
  readonly lines: number
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string' },
      seed: { type: 'string' },
      steps: { type: 'string' },
      lines: { type: 'string' },
    },
  })
  const whole = (text: string | undefined): number | undefined => {
    if (text === undefined) return undefined
    if (!/^\d{1,9}$/.test(text)) throw new RangeError(`${text} is no whole number. ${USAGE}`)
    return Number(text)
  }
  const first = whole(values.seed)
  return {
    first: first ?? 1,
    seeds: whole(values.seeds) ?? (first === undefined ? SEEDS_DEFAULT : 1),
    faults: whole(values.steps),
    lines: whole(values.lines) ?? LINES_DEFAULT,
  }
}

function report({ seed, faults, trace }: SimResult, o: Options): void {
  console.log(trace.slice(-o.lines).join('\n'))
  for (const fault of faults) console.log(`\nFAULT of seed ${seed}: ${fault}`)
  const steps = o.faults === undefined ? '' : ` --steps ${o.faults}`
  console.log(`\nreplay: npm run sim -- --seed ${seed}${steps}`)
}

async function main(): Promise<void> {
  const o = readOptions()
  const begin = performance.now()
  let virtualMs = 0
  let notifies = 0
  for (let done = 0; done < o.seeds; done += 1) {
    const result = await new Simulation(o.first + done, o.faults === undefined ? {} : { faults: o.faults }).run()
    if (result.faults.length > 0) {
      report(result, o)
      process.exitCode = 1
      return
    }
    virtualMs += result.virtualMs
    notifies += result.notifies
    if (o.seeds === 1)
      console.log(`${result.trace.slice(-o.lines).join('\n')}\ndigest ${result.digest}, ${result.steps} steps`)
  }
  const seconds = (performance.now() - begin) / 1_000
  const rate = (o.seeds / seconds).toFixed(1)
  console.log(
    `${o.seeds} seeds, ${Math.round(virtualMs / 1_000)} virtual seconds, ${notifies} NOTIFYs: nothing wrong; ${seconds.toFixed(1)} s, ${rate} seeds/s`,
  )
}

await main()
