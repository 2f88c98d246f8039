import { type Impu, parseImpu } from '@rollcall/core'
import { Chance } from './chance.ts'
import { Operator } from './clients/operator.ts'
import { Publisher } from './clients/publisher.ts'
import { Watcher } from './clients/watcher.ts'
import { type Context, SHAPE } from './context.ts'
import { Faults } from './faults.ts'
import { Fleet } from './fleet.ts'
import { Hss } from './hss.ts'
import { unsettled } from './invariants.ts'
import { World } from './loop/world.ts'
import { Network } from './network.ts'
import { type Plan, planOf } from './plan.ts'
import { SimStore } from './store/sim-store.ts'
import { Trace } from './trace.ts'
import { Witness } from './witness.ts'

/** What came of one seed. */
export interface SimResult {
  readonly seed: number
  /** What must not be; empty: all is well. */
  readonly faults: readonly string[]
  /** Two runs with the same digest went the same way. */
  readonly digest: string
  /** The last events. */
  readonly trace: readonly string[]
  readonly steps: number
  /** How much virtual time it took. */
  readonly virtualMs: number
  readonly notifies: number
}

/** Everything begins in peace: the watchers of quiet presentities are told, and that is noted in the log. */
const PEACE_MS = 3_000
/** When all harm has ended, everything must be well within this: back-offs to silent watchers take the longest. */
const SETTLE_MS_MAX = 90_000
const LOOK_MS = 250
/** And it must stay well for so long. */
const WELL_MS = 2_000
const FAULTS = 12
const STACK_LINES = 4

/** One simulation, from its seed. */
export class Simulation {
  readonly #seed: number
  readonly #plan: Plan
  readonly #world = new World(() => this.#isOver)
  readonly #trace: Trace
  readonly #witness: Witness
  readonly #context: Context
  readonly #fleet: Fleet
  readonly #faults: Faults
  readonly #operator: Operator
  readonly #presentities: readonly Impu[]
  readonly #publishers: readonly Publisher[]
  readonly #watchers: readonly Watcher[]

  constructor(seed: number, o: { faults?: number } = {}) {
    const chance = new Chance(seed)
    const plan = planOf(chance.fork(), o.faults ?? FAULTS)
    const world = this.#world
    this.#seed = seed
    this.#plan = plan
    const trace = new Trace(() => world.monotonic())
    const witness = new Witness({ world, trace })
    const watchers = new Map<string, Watcher>()
    const context: Context = {
      world,
      trace,
      witness,
      network: new Network({ world, chance: chance.fork(), trace }),
      hss: new Hss({ world, witness }),
      store: new SimStore({ world, chance: chance.fork(), shape: SHAPE, onFault: (fault) => witness.fault(fault) }),
      replicas: new Map(),
      watchers,
      clockSlackMs: 2_000 + 2 * plan.wallJumpMs + 2 * plan.drift * SETTLE_MS_MAX,
    }
    this.#trace = trace
    this.#witness = witness
    this.#context = context
    this.#fleet = new Fleet({ context, chance: chance.fork(), plan })
    this.#presentities = named('presentity', plan.presentities)
    this.#watchers = named('watcher', plan.watchers).map(
      (impu) => new Watcher({ context, impu, chance: chance.fork() }),
    )
    for (const watcher of this.#watchers) watchers.set(watcher.impu, watcher)
    this.#operator = new Operator({ context, chance: chance.fork(), watchers: [...watchers.keys()].map(parseImpu) })
    this.#faults = new Faults({ context, fleet: this.#fleet, operator: this.#operator, chance: chance.fork(), plan })
    this.#publishers = this.#presentities.flatMap((presentity, index) =>
      Array.from({ length: plan.publishersEach }, (_, device) => {
        return new Publisher({ context, name: `ua${index}.${device}`, chance: chance.fork(), presentity })
      }),
    )
  }

  /** Runs it to its end. */
  async run(): Promise<SimResult> {
    const crashed = (error: unknown): void => this.#witness.fault(`a promise was rejected: ${describe(error)}`)
    process.on('unhandledRejection', crashed)
    const { stackTraceLimit } = Error
    // The code under test makes many errors on purpose, and their stacks are dear.
    Error.stackTraceLimit = STACK_LINES
    try {
      await this.#world.own(async () => await this.#live())
    } catch (error) {
      this.#witness.fault(`it ended: ${describe(error)}`)
    } finally {
      process.removeListener('unhandledRejection', crashed)
      Error.stackTraceLimit = stackTraceLimit
    }
    return {
      seed: this.#seed,
      faults: this.#witness.faults,
      digest: this.#trace.digest,
      trace: this.#trace.lines,
      steps: this.#world.steps,
      virtualMs: this.#world.monotonic(),
      notifies: this.#witness.notifies,
    }
  }

  async #live(): Promise<void> {
    this.#trace.note(`seed ${this.#seed}: ${JSON.stringify(this.#plan)}`)
    for (const name of this.#fleet.names) this.#fleet.start(name)
    const [quiet, ...busy] = this.#presentities
    for (const presentity of this.#presentities) {
      this.#context.hss.setPolicy(presentity, { defaultAllow: true, allow: [], block: [] })
    }
    await this.#world.run(200)
    for (const publisher of this.#publishers) if (publisher.presentity === quiet) publisher.publishOnce()
    await this.#world.run(500)
    for (const watcher of this.#watchers) if (quiet) watcher.watch(quiet).startOnce()
    await this.#world.run(PEACE_MS)
    if (quiet) this.#witness.quiet.add(quiet)
    for (const presentity of busy) {
      for (const watcher of this.#watchers) watcher.watch(presentity).start()
      this.#operator.rule(presentity)
    }
    for (const publisher of this.#publishers) if (publisher.presentity !== quiet) publisher.start()
    this.#faults.changeWeather()
    for (let fault = 0; fault < this.#plan.faults && !this.#isOver; fault += 1) {
      await this.#world.run(this.#faults.nextMs)
      this.#faults.strike()
    }
    await this.#world.run(this.#faults.nextMs)
    await this.#settle()
  }

  get #isOver(): boolean {
    return this.#witness.faults.length > 0
  }

  /** All harm ends, nobody asks anything new: now everything must become well, and stay so. */
  async #settle(): Promise<void> {
    this.#trace.note('calm')
    const { network, store } = this.#context
    network.calm()
    store.calm()
    this.#fleet.calm()
    this.#operator.sleep()
    for (const publisher of this.#publishers) publisher.sleep()
    for (const watcher of this.#watchers) {
      watcher.silent = 0
      for (const watch of watcher.watches) watch.sleep()
    }
    const endMs = this.#world.monotonic() + SETTLE_MS_MAX
    let wellMs = 0
    while (wellMs < WELL_MS && this.#world.monotonic() < endMs && !this.#isOver) {
      await this.#world.run(LOOK_MS)
      wellMs = this.#unsettled.length === 0 ? wellMs + LOOK_MS : 0
    }
    if (wellMs < WELL_MS && !this.#isOver) for (const one of this.#unsettled) this.#witness.fault(`in the end: ${one}`)
  }

  get #unsettled(): readonly string[] {
    return unsettled({ context: this.#context, fleet: this.#fleet, publishers: this.#publishers })
  }
}

function named(what: string, count: number): Impu[] {
  return Array.from({ length: count }, (_, index) => parseImpu(`sip:${what}${index}@sim.example`))
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
