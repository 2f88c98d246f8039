import { type SimResult, Simulation } from './simulation.ts'

/** Some of the seeds of a run. */
export interface SeedsToRun {
  readonly first: number
  readonly count: number
  /** From one seed to the next. */
  readonly step: number
  /** How much harm each does; the default when absent. */
  readonly faults?: number
}

/** What came of them. */
export interface SeedsRun {
  readonly count: number
  readonly virtualMs: number
  readonly notifies: number
  /** The first that went wrong; those behind it were not run. */
  readonly red: SimResult | undefined
}

/** Runs seeds one after the other, up to the first that goes wrong. */
export async function runSeeds({ first, count, step, faults }: SeedsToRun): Promise<SeedsRun> {
  let virtualMs = 0
  let notifies = 0
  for (let done = 0; done < count; done += 1) {
    const result = await new Simulation(first + done * step, faults === undefined ? {} : { faults }).run()
    virtualMs += result.virtualMs
    notifies += result.notifies
    if (result.faults.length > 0) return { count: done + 1, virtualMs, notifies, red: result }
  }
  return { count, virtualMs, notifies, red: undefined }
}
