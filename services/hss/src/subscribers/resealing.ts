import { type Clock, RollcallError } from '@rollcall/core'
import type { SubscriberRepository } from './repository.ts'

/** Subscribers looked at in a second: what else the HSS does must not notice. */
const LOOKS_PER_SECOND = 100
/** What could not be read or written is tried again after this, with everything else. */
const RETRY_MS = 30_000

/** What may be said of a walk. */
export interface ResealingOptions {
  readonly repository: Pick<SubscriberRepository, 'recordKeys' | 'reseal'>
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly onResealed: () => void
  /** Each subscriber has been looked at; `failed` of them will be again. */
  readonly onWalked: (o: { readonly resealed: number; readonly failed: number; readonly error: unknown }) => void
}

/**
 * Seals every subscriber's keys with the current key: once after the start, slowly, and again until none is left over. One
 * that is sealed stays so, and so a walk that was broken off goes on where it was in all but the looking.
 *
 * Resolves when all are sealed by the current key, or the signal aborts.
 */
export async function resealAll(o: ResealingOptions): Promise<'done' | 'aborted'> {
  while (!o.signal.aborted) {
    const walk = { resealed: 0, failed: 0, error: undefined as unknown }
    try {
      for await (const recordKey of o.repository.recordKeys()) {
        await pause(o, 1_000 / LOOKS_PER_SECOND)
        if (o.signal.aborted) return 'aborted'
        await resealOne(o, recordKey, walk)
      }
    } catch (error) {
      if (!(error instanceof RollcallError)) throw error
      walk.failed += 1
      walk.error = error
    }
    if (o.signal.aborted) return 'aborted'
    o.onWalked(walk)
    if (walk.failed === 0) return 'done'
    await pause(o, RETRY_MS)
  }
  return 'aborted'
}

async function resealOne(
  o: ResealingOptions,
  recordKey: string,
  walk: { resealed: number; failed: number; error: unknown },
): Promise<void> {
  try {
    if (!(await o.repository.reseal(recordKey))) return
    walk.resealed += 1
    o.onResealed()
  } catch (error) {
    // One that does not open must not keep the others from being sealed.
    if (!(error instanceof RollcallError)) throw error
    walk.failed += 1
    walk.error = error
  }
}

async function pause({ clock, signal }: Pick<ResealingOptions, 'clock' | 'signal'>, ms: number): Promise<void> {
  if (signal.aborted) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = clock.setTimer(ms, resolve)
  const wake = (): void => resolve()
  signal.addEventListener('abort', wake, { once: true })
  await promise
  signal.removeEventListener('abort', wake)
  timer.cancel()
}
