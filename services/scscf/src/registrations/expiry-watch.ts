import type { Clock, Impu, Timer } from '@rollcall/core'

/** One timer a contact, by its set and its key: `onDue` is called when its time may be up. */
export class ExpiryWatch {
  readonly #clock: Clock
  readonly #onDue: (canonicalImpu: Impu, key: string) => void
  readonly #timers = new Map<string, Timer>()

  constructor(clock: Clock, onDue: (canonicalImpu: Impu, key: string) => void) {
    this.#clock = clock
    this.#onDue = onDue
  }

  /** Takes the place of an earlier timer of the same contact. */
  watch(canonicalImpu: Impu, key: string, delayMs: number): void {
    const name = nameOf(canonicalImpu, key)
    this.#timers.get(name)?.cancel()
    const timer = this.#clock.setTimer(Math.max(0, delayMs), () => {
      this.#timers.delete(name)
      this.#onDue(canonicalImpu, key)
    })
    this.#timers.set(name, timer)
  }

  unwatch(canonicalImpu: Impu, key: string): void {
    const name = nameOf(canonicalImpu, key)
    this.#timers.get(name)?.cancel()
    this.#timers.delete(name)
  }

  stop(): void {
    for (const timer of this.#timers.values()) timer.cancel()
    this.#timers.clear()
  }
}

function nameOf(canonicalImpu: Impu, key: string): string {
  return `${canonicalImpu} ${key}`
}
