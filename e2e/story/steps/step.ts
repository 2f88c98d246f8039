import type { Cast } from '../cast.ts'
import type { StoryStep } from '../stack.ts'

/** What a step tells when it went well. */
export interface StepTale {
  /** One sentence told to a person. */
  readonly detail: string
  /** Empty when nothing of the step was protected. */
  readonly protection: string
  /** More lines for the terminal, such as a drawing. */
  readonly drawing?: readonly string[]
}

/** One step of the story: it throws when something is not as it should be. */
export interface Step {
  readonly name: StoryStep
  play(cast: Cast): Promise<StepTale>
}
