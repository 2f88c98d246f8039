import type { MetricSample, StackService, StoryStack } from './stack.ts'
import { waitFor } from './waiting.ts'

/** Where a refusal is counted. */
export interface RefusalCounter {
  readonly service: StackService
  readonly name: string
  readonly reason: string
}

/** The counters that the story's refusals must move. */
export const REFUSAL_COUNTERS = {
  onProtectedPort: { service: 'pcscf', name: 'rollcall_pcscf_dropped_total', reason: 'unprotected-on-protected-port' },
  unprotectedRequest: { service: 'pcscf', name: 'rollcall_pcscf_refused_total', reason: 'unprotected-request' },
  tamperedPacket: { service: 'pcscf', name: 'rollcall_pcscf_dropped_total', reason: 'integrity' },
  replayedPacket: { service: 'pcscf', name: 'rollcall_pcscf_dropped_total', reason: 'replay' },
  foreignPublish: { service: 'presence', name: 'rollcall_presence_refused_total', reason: 'foreign-presentity' },
  foreignWinfo: { service: 'presence', name: 'rollcall_presence_refused_total', reason: 'foreign-winfo' },
  blockedWatcher: { service: 'presence', name: 'rollcall_presence_refused_total', reason: 'policy-block' },
  wrongRes: { service: 'scscf', name: 'rollcall_scscf_refused_total', reason: 'wrong-res' },
} as const satisfies Readonly<Record<string, RefusalCounter>>

/** Reads the counter of a refusal now, and gives what waits until it has moved. */
export async function countsRefusal(stack: StoryStack, counter: RefusalCounter): Promise<() => Promise<void>> {
  const before = await read(stack, counter)
  return async () => {
    const what = `${counter.name}{reason="${counter.reason}"} did not grow`
    await waitFor(what, async () => ((await read(stack, counter)) > before ? true : undefined))
  }
}

async function read(stack: StoryStack, { service, name, reason }: RefusalCounter): Promise<number> {
  return sumOf(await stack.metrics(service), name, reason)
}

function sumOf(samples: readonly MetricSample[], name: string, reason: string): number {
  let sum = 0
  for (const sample of samples) if (sample.name === name && sample.labels.reason === reason) sum += sample.value
  return sum
}
