import { Cast } from './cast.ts'
import { type StepReport, type StoryStack, UT_STEPS } from './stack.ts'
import { deregisterStep } from './steps/deregister.ts'
import {
  notifyAfterReregisterStep,
  notifyComposedStep,
  notifyStep,
  publishSecondStep,
  publishStep,
  subscribeStep,
} from './steps/presence.ts'
import {
  foreignPublishStep,
  foreignWinfoStep,
  forgedSubscribeStep,
  replayStep,
  wrongResStep,
} from './steps/refusals.ts'
import { registerSteps, reregisterStep } from './steps/registrations.ts'
import type { Step } from './steps/step.ts'
import { traceStep } from './steps/trace.ts'
import {
  anonymousWatcherStep,
  bootstrapStep,
  rulesAllowStep,
  rulesPendingStep,
  rulesPoliteBlockStep,
  xcapDiffStep,
} from './steps/ut.ts'
import { foreignNafStep, foreignTreeStep } from './steps/ut-refusals.ts'

const STEPS: readonly Step[] = [
  ...registerSteps,
  publishStep,
  subscribeStep,
  notifyStep,
  publishSecondStep,
  notifyComposedStep,
  reregisterStep,
  notifyAfterReregisterStep,
  bootstrapStep,
  rulesPendingStep,
  rulesAllowStep,
  rulesPoliteBlockStep,
  xcapDiffStep,
  anonymousWatcherStep,
  foreignTreeStep,
  foreignNafStep,
  forgedSubscribeStep,
  foreignPublishStep,
  foreignWinfoStep,
  wrongResStep,
  replayStep,
  deregisterStep,
  traceStep,
]

export interface StoryOptions {
  /** Told of each step as it ends; the last one is not ok when the story failed. */
  report(step: StepReport): void
  /** Takes lines for a person that belong to no step alone, such as the waterfall. */
  log(line: string): void
  /** Ends the story before its next step. */
  readonly signal?: AbortSignal
}

/**
 * Plays the story on a stack, step by step, until one fails: phones register, publish, watch and are notified, attackers
 * are refused, everybody leaves. Gives whether it went well to its end.
 */
export async function runStory(stack: StoryStack, options: StoryOptions): Promise<boolean> {
  await using cast = new Cast(stack)
  for (const step of STEPS.filter(({ name }) => stack.ut !== undefined || !UT_STEPS.has(name))) {
    if (options.signal?.aborted) return false
    const report = await play(step, cast, options)
    options.report(report)
    if (!report.ok) return false
  }
  return true
}

async function play(step: Step, cast: Cast, options: StoryOptions): Promise<StepReport> {
  const startMs = performance.now()
  const took = (): number => Math.round((performance.now() - startMs) * 10) / 10
  try {
    const { detail, protection, drawing = [] } = await step.play(cast)
    const ms = took()
    for (const line of drawing) options.log(line)
    return { step: step.name, ok: true, ms, protection, detail }
  } catch (error) {
    // Whatever it is, it is the step's result; a stack helps nobody who reads a report.
    return { step: step.name, ok: false, ms: took(), protection: '', detail: describe(error) }
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : ''
  return `${error.message}${cause}`
}
