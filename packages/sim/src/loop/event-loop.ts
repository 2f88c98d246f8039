import { setImmediate as realImmediate } from 'node:timers/promises'

/** The simulator lets the process's own event loop turn after so many drains, so that nothing else starves. */
const DRAINS_PER_TURN = 2_000

/**
 * Runs what the code under test leaves to the event loop, to its end, before virtual time goes on: promises are settled
 * first, then what was handed to `setImmediate`, and so on until nothing is left. It always happens in the same order.
 */
export class EventLoop {
  #immediates: (() => void)[] = []
  #drains = 0

  /** Takes `setImmediate` over for as long as `act` runs. One simulation at a time. */
  async own<T>(act: () => Promise<T>): Promise<T> {
    const original = globalThis.setImmediate
    const taken = (callback: (...args: unknown[]) => void, ...args: unknown[]): NodeJS.Immediate => {
      this.#immediates.push(() => callback(...args))
      return undefined as unknown as NodeJS.Immediate
    }
    globalThis.setImmediate = taken as unknown as typeof setImmediate
    try {
      return await act()
    } finally {
      globalThis.setImmediate = original
      this.#immediates = []
    }
  }

  /** Resolves when nothing is left to run at this moment. */
  async drain(): Promise<void> {
    this.#drains += 1
    if (this.#drains % DRAINS_PER_TURN === 0) await realImmediate()
    for (;;) {
      await promisesSettled()
      if (this.#immediates.length === 0) return
      const immediates = this.#immediates
      this.#immediates = []
      for (const act of immediates) {
        act()
        await promisesSettled()
      }
    }
  }
}

/** Node runs its ticks when no promise is left to be settled. */
function promisesSettled(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
