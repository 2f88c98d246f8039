import type { Clock } from '@rollcall/core'
import { Pacer } from './pacer.ts'

/** NOTIFYs under way at once in one partition: a fan-out must not fill the hop's queue. */
const FAST_MAX = 512
/** One that is unanswered for so long does not count among them any more: others must not wait for who is silent. */
const SLOW_MS = 1_000
/** Unanswered NOTIFYs of one partition, slow ones included: a quarter of what the hop keeps in mind for a peer. */
const UNANSWERED_MAX = 8_192

/** A NOTIFY under way. */
export interface Flight {
  state: 'fast' | 'slow' | 'landed'
}

/** Bounds the NOTIFYs under way in one partition. */
export class Flights {
  readonly #slowness: Pacer<Flight>
  #fast = 0
  #slow = 0

  /** `onRoom` is called when there is room that was not there before, by the passing of time. */
  constructor(clock: Clock, onRoom: () => void) {
    const onRested = (flight: Flight): void => {
      if (flight.state !== 'fast') return
      flight.state = 'slow'
      this.#fast -= 1
      this.#slow += 1
      onRoom()
    }
    this.#slowness = new Pacer({ clock, intervalMs: SLOW_MS, onRested })
  }

  /** How many more may start. */
  get room(): number {
    return Math.min(FAST_MAX - this.#fast, UNANSWERED_MAX - this.#fast - this.#slow)
  }

  /** Of those that are neither answered nor slow. */
  get fast(): number {
    return this.#fast
  }

  start(): Flight {
    const flight: Flight = { state: 'fast' }
    this.#fast += 1
    this.#slowness.rest(flight)
    return flight
  }

  land(flight: Flight): void {
    if (flight.state === 'fast') this.#fast -= 1
    else if (flight.state === 'slow') this.#slow -= 1
    flight.state = 'landed'
  }

  stop(): void {
    this.#slowness.stop()
  }
}
