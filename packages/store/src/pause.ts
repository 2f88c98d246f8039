import type { Clock } from '@rollcall/core'

/** Waits on a clock of ours. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve)
  })
}
