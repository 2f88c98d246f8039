import type { Clock, Timer } from '@rollcall/core'
import { START_WALL_MS, type World } from './world.ts'

/**
 * The clocks of one process: a monotonic one that goes a little wrong, a wall clock that jumps, and timers that wait while
 * the process is stopped and never fire once it is dead. Time goes on in a stopped process, as it does with SIGSTOP.
 */
export class NodeClock implements Clock {
  readonly #world: World
  readonly #rate: number
  readonly #startMs: number
  #wallOffsetMs: number
  #state: 'running' | 'stopped' | 'dead' = 'running'
  #waiting: (() => void)[] = []

  /** `rate`: its seconds to one true second. */
  constructor(world: World, o: { rate: number; startMs: number; wallOffsetMs: number }) {
    this.#world = world
    this.#rate = o.rate
    this.#startMs = o.startMs
    this.#wallOffsetMs = o.wallOffsetMs
  }

  now(): number {
    return Math.floor(START_WALL_MS + this.#world.monotonic() * this.#rate + this.#wallOffsetMs)
  }

  monotonic(): number {
    return this.#startMs + this.#world.monotonic() * this.#rate
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    let isCancelled = false
    const timer = this.#world.setTimer(Math.max(0, delayMs) / this.#rate, () => {
      this.whenAwake(() => {
        if (!isCancelled) callback()
      })
    })
    return {
      cancel: () => {
        isCancelled = true
        timer.cancel()
      },
    }
  }

  get isDead(): boolean {
    return this.#state === 'dead'
  }

  get isStopped(): boolean {
    return this.#state === 'stopped'
  }

  /** Runs now, or when the process runs again, or never. */
  readonly whenAwake = (act: () => void): void => {
    if (this.#state === 'running') act()
    else if (this.#state === 'stopped') this.#waiting.push(act)
  }

  jump(ms: number): void {
    this.#wallOffsetMs += ms
  }

  stop(): void {
    if (this.#state === 'running') this.#state = 'stopped'
  }

  /** What came meanwhile comes now, each at its own moment, so that each has an end before the next begins. */
  goOn(): void {
    if (this.#state !== 'stopped') return
    this.#state = 'running'
    const waiting = this.#waiting
    this.#waiting = []
    for (const act of waiting) this.#world.setTimer(0, () => this.whenAwake(act))
  }

  die(): void {
    this.#state = 'dead'
    this.#waiting = []
  }
}
