import type { Clock, Timer } from '@rollcall/core'
import { EventLoop } from './event-loop.ts'
import { type HeapEntry, TimerHeap } from './timer-heap.ts'

/** Where the wall clocks of all start. */
export const START_WALL_MS = 1_800_000_000_000

/** Virtual time, shared by everything: what happens next, and when. Its own clock is the true one. */
export class World implements Clock {
  readonly #heap = new TimerHeap()
  readonly #loop = new EventLoop()
  readonly #isOver: () => boolean
  #nowMs = 0
  #order = 0
  #steps = 0

  /** Time stands still once `isOver`. */
  constructor(isOver: () => boolean) {
    this.#isOver = isOver
  }

  now(): number {
    return START_WALL_MS + this.#nowMs
  }

  monotonic(): number {
    return this.#nowMs
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry: HeapEntry = { dueMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, act: callback }
    this.#order += 1
    this.#heap.push(entry)
    return {
      cancel: () => {
        entry.act = undefined
      },
    }
  }

  /** Steps made so far. */
  get steps(): number {
    return this.#steps
  }

  /** Runs `act`, which may call `run`. */
  async own<T>(act: () => Promise<T>): Promise<T> {
    return await this.#loop.own(act)
  }

  /** Lets time pass, one event after the other, unless it is to end. */
  async run(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    await this.#loop.drain()
    for (let next = this.#heap.peek(); next && next.dueMs <= endMs; next = this.#heap.peek()) {
      if (this.#isOver()) return
      this.#heap.pop()
      this.#nowMs = Math.max(this.#nowMs, next.dueMs)
      this.#steps += 1
      next.act?.()
      await this.#loop.drain()
    }
    if (!this.#isOver()) this.#nowMs = endMs
  }
}
