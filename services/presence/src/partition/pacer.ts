import type { Clock, Timer } from '@rollcall/core'
import { Fifo } from './fifo.ts'

interface Rest<T> {
  readonly item: T
  readonly dueMs: number
}

/**
 * Tells when a time that is the same for everybody has passed since each item was handed in: one timer for all, and what
 * is handed in later is due later.
 */
export class Pacer<T> {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #onRested: (item: T) => void
  readonly #resting = new Fifo<Rest<T>>()
  #timer: Timer | undefined

  constructor(o: { readonly clock: Clock; readonly intervalMs: number; readonly onRested: (item: T) => void }) {
    this.#clock = o.clock
    this.#intervalMs = o.intervalMs
    this.#onRested = o.onRested
  }

  /** Lets the item rest from now on; false when there is no interval to be kept. */
  rest(item: T): boolean {
    if (this.#intervalMs === 0) return false
    this.#resting.push({ item, dueMs: this.#clock.monotonic() + this.#intervalMs })
    if (!this.#timer) this.#arm()
    return true
  }

  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#resting.clear()
  }

  #arm(): void {
    const { first } = this.#resting
    if (!first) return
    const waitMs = Math.max(0, first.dueMs - this.#clock.monotonic())
    this.#timer = this.#clock.setTimer(waitMs, () => {
      this.#timer = undefined
      const nowMs = this.#clock.monotonic()
      for (let next = this.#resting.first; next && next.dueMs <= nowMs; next = this.#resting.first) {
        this.#resting.shift()
        this.#onRested(next.item)
      }
      if (!this.#timer) this.#arm()
    })
  }
}
