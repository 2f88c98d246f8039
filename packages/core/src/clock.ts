/** A pending timer. Cancelling twice, or after it fired, does nothing. */
export interface Timer {
  cancel(): void
}

/**
 * Time as an argument: pure packages take it, so that tests and the simulator decide what time it is.
 */
export interface Clock {
  /** Wall clock, epoch milliseconds. It may jump: use it for what is written down, never for waiting. */
  now(): number
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number
  /** Runs `callback` once after `delayMs`. A pending timer does not keep the process alive. */
  setTimer(delayMs: number, callback: () => void): Timer
}

/** The longest delay that Node's timers hold (2^31 - 1 ms, 24.8 days); beyond it they would fire at once. */
const DELAY_MS_MAX = 0x7fff_ffff

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimer(delayMs, callback) {
    if (delayMs > DELAY_MS_MAX) return longTimer(delayMs, callback)
    return new NodeTimer(setTimeout(callback, Math.max(0, delayMs)).unref())
  },
}

/** A class and no closures: a proxy has some for each of its transactions, hundreds of thousands. */
class NodeTimer implements Timer {
  readonly #handle: NodeJS.Timeout

  constructor(handle: NodeJS.Timeout) {
    this.#handle = handle
  }

  cancel(): void {
    clearTimeout(this.#handle)
  }
}

/** For delays beyond what Node holds: in pieces. */
function longTimer(delayMs: number, callback: () => void): Timer {
  const dueMs = performance.now() + delayMs
  let handle: NodeJS.Timeout
  const arm = (): void => {
    const leftMs = dueMs - performance.now()
    handle =
      leftMs > DELAY_MS_MAX ? setTimeout(arm, DELAY_MS_MAX).unref() : setTimeout(callback, Math.max(0, leftMs)).unref()
  }
  arm()
  return { cancel: () => clearTimeout(handle) }
}
