import type { Clock, Timer } from './clock.ts'

interface Entry {
  readonly dueMs: number
  readonly order: number
  readonly callback: () => void
}

/**
 * A clock that moves only when told: `advance` runs every timer that falls due, in order of time and then of creation.
 */
export class VirtualClock implements Clock {
  #nowMs: number
  #order = 0
  readonly #startMs: number
  readonly #entries = new Set<Entry>()

  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
    this.#nowMs = startMs
  }

  now(): number {
    return this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs - this.#startMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry: Entry = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, callback }
    this.#entries.add(entry)
    return { cancel: () => void this.#entries.delete(entry) }
  }

  /** Moves time forward by `ms`, running what falls due on the way, also what that sets. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (let next = this.#next(endMs); next; next = this.#next(endMs)) {
      this.#entries.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      next.callback()
    }
    this.#nowMs = endMs
  }

  /** Milliseconds until the next timer falls due; Infinity without one. */
  get nextDueInMs(): number {
    const next = this.#next(Number.POSITIVE_INFINITY)
    return next ? Math.max(0, next.dueMs - this.#nowMs) : Number.POSITIVE_INFINITY
  }

  /** Timers not yet fired or cancelled. */
  get pending(): number {
    return this.#entries.size
  }

  #next(endMs: number): Entry | undefined {
    let best: Entry | undefined
    for (const entry of this.#entries) {
      if (entry.dueMs > endMs) continue
      if (!best || entry.dueMs < best.dueMs || (entry.dueMs === best.dueMs && entry.order < best.order)) best = entry
    }
    return best
  }
}
