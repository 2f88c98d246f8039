import type { Clock } from '@rollcall/core'

/** How often the wall clock is looked at, by the monotonic one. */
const LOOK_MS = 1_000
/** How fast the wall clock is followed when it jumps: an interval is granted and kept to within so much of itself. */
const SLEW = 0.05

/**
 * Time for what is granted and runs out: it passes as the monotonic clock says and is led back to the wall clock slowly,
 * so that a jump of an hour ends nothing an hour early, and keeps nothing for an hour more. It never goes back.
 *
 * `Choice:` follows at a twentieth, so an hour takes 20 hours. A process that starts believes the wall clock.
 */
export function steadyClock(clock: Clock): Clock {
  let nowMs = clock.now()
  let atMs = clock.monotonic()
  return {
    now() {
      const elapsedMs = clock.monotonic() - atMs
      if (elapsedMs < LOOK_MS) return Math.round(nowMs + elapsedMs)
      const behindMs = clock.now() - (nowMs + elapsedMs)
      const mostMs = elapsedMs * SLEW
      nowMs += elapsedMs + Math.max(-mostMs, Math.min(mostMs, behindMs))
      atMs += elapsedMs
      return Math.round(nowMs)
    },
    monotonic: () => clock.monotonic(),
    setTimer: (delayMs, callback) => clock.setTimer(delayMs, callback),
  }
}
