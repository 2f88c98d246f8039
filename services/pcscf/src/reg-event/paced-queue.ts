import type { Clock, Timer } from '@rollcall/core'

/** Work that waits for its turn: one begins each interval, and few are under way at once. */
export class PacedQueue<T> {
  readonly #clock: Clock
  readonly #intervalMs: number
  readonly #underWayMax: number
  readonly #begin: (item: T) => void
  readonly #queue = new Set<T>()
  #underWay = 0
  #nextAtMs = 0
  #timer: Timer | undefined

  constructor(o: {
    readonly clock: Clock
    readonly intervalMs: number
    readonly underWayMax: number
    /** It calls `began` when its work is under way, and `ended` after that. */
    readonly begin: (item: T) => void
  }) {
    this.#clock = o.clock
    this.#intervalMs = o.intervalMs
    this.#underWayMax = o.underWayMax
    this.#begin = o.begin
  }

  add(item: T): void {
    this.#queue.add(item)
    this.#pump()
  }

  delete(item: T): void {
    this.#queue.delete(item)
  }

  began(): void {
    this.#underWay += 1
  }

  ended(): void {
    this.#underWay -= 1
    this.#pump()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#queue.clear()
  }

  #pump(): void {
    for (const item of this.#queue) {
      if (this.#underWay >= this.#underWayMax || this.#timer) return
      const waitMs = this.#nextAtMs - this.#clock.monotonic()
      if (waitMs > 0) {
        this.#timer = this.#clock.setTimer(waitMs, () => {
          this.#timer = undefined
          this.#pump()
        })
        return
      }
      this.#nextAtMs = this.#clock.monotonic() + this.#intervalMs
      this.#queue.delete(item)
      this.#begin(item)
    }
  }
}
