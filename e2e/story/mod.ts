export { PEOPLE, type Person, UE_NAMES, type UeName } from './people.ts'
export { type Provisioned, provisionWorld, WorldMismatchError } from './provision.ts'
export {
  type MetricSample,
  STORY_STEPS,
  type StackAdmin,
  type StackService,
  type StepReport,
  type StorySpan,
  type StoryStack,
  type StoryStep,
  type TraceSource,
} from './stack.ts'
export { runStory, type StoryOptions } from './story.ts'
export { renderWaterfall } from './waterfall.ts'
export { impuOf, prepareWorld, type World, type WorldOptions } from './world.ts'
