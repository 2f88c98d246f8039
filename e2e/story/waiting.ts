import { setTimeout as delay } from 'node:timers/promises'

/** The step is not as it should be: what is missing, in words. */
export class StoryError extends Error {
  override readonly name = 'StoryError'
}

/** Looks are cheap on loopback; what is waited for takes milliseconds. */
const POLL_MS = 20
const WAIT_MS_DEFAULT = 10_000

/** Stops the step unless `condition` holds. */
export function expect(condition: unknown, what: string): asserts condition {
  if (!condition) throw new StoryError(what)
}

/**
 * Asks `look` until it gives something: the way to wait for what happens elsewhere, instead of a sleep.
 *
 * @throws StoryError with `what` when `timeoutMs` have passed.
 */
export async function waitFor<T>(
  what: string,
  look: () => Promise<T | undefined>,
  timeoutMs = WAIT_MS_DEFAULT,
): Promise<T> {
  const deadlineMs = performance.now() + timeoutMs
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    if (performance.now() > deadlineMs) throw new StoryError(`waited ${timeoutMs} ms in vain: ${what}`)
    await delay(POLL_MS)
  }
}
