import type { Chance } from './chance.ts'
import type { NodeClock } from './loop/node-clock.ts'
import type { World } from './loop/world.ts'
import type { Trace } from './trace.ts'

/** Somebody on the network. Clients have no clock of their own: they are always awake. */
export interface Endpoint {
  readonly name: string
  readonly clock?: NodeClock
}

/** How the network is at the moment; shares in a thousand. */
export interface NetworkWeather {
  readonly lost: number
  readonly doubled: number
  readonly late: number
  readonly delayMs: number
  /** NOTIFYs that wait in the hop before they leave, and those whose stream is lost, so that they go out again. */
  readonly heldUp: number
}

export const CALM_NETWORK: NetworkWeather = { lost: 0, doubled: 0, late: 0, delayMs: 1, heldUp: 0 }
const LATE_MS_MAX = 2_000

/** Carries messages between processes and clients: late, twice or not at all, and never where a link is cut. */
export class Network {
  weather: NetworkWeather = CALM_NETWORK
  readonly #world: World
  readonly #chance: Chance
  readonly #trace: Trace
  readonly #cut = new Set<string>()

  constructor(o: { world: World; chance: Chance; trace: Trace }) {
    this.#world = o.world
    this.#chance = o.chance
    this.#trace = o.trace
  }

  /** Runs `arrive` at the receiver, when it is awake, as often as the message arrives. `what` is for the trace. */
  send(from: Endpoint, to: Endpoint, what: string, arrive: () => void): void {
    if (this.#cut.has(from.name) || this.#cut.has(to.name)) {
      this.#trace.note(`${from.name} -> ${to.name} cut: ${what}`)
      return
    }
    const { lost, doubled, late, delayMs } = this.weather
    const delay = (): number =>
      this.#chance.share() * delayMs + (this.#chance.inThousand(late) ? this.#chance.below(LATE_MS_MAX) : 0)
    const copies = (this.#chance.inThousand(lost) ? 0 : 1) + (this.#chance.inThousand(doubled) ? 1 : 0)
    for (let copy = 0; copy < copies; copy += 1) {
      this.#world.setTimer(delay(), () => (to.clock ? to.clock.whenAwake(arrive) : arrive()))
    }
  }

  /** Nothing reaches this one, and nothing comes from it. */
  cut(name: string): void {
    this.#cut.add(name)
  }

  mend(name: string): void {
    this.#cut.delete(name)
  }

  calm(): void {
    this.weather = CALM_NETWORK
    this.#cut.clear()
  }
}
