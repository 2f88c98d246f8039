import type { Chance } from './chance.ts'
import type { Operator } from './clients/operator.ts'
import type { Context } from './context.ts'
import type { Fleet } from './fleet.ts'
import type { Plan } from './plan.ts'
import type { SimReplica } from './replica.ts'

/** Longer than a lease, and than an election. */
const LONG_MS_MAX = 7_000
/** Pauses that nobody should notice. */
const SHORT_MS_MAX = 700
/** NOTIFYs that wait in the hop, in a thousand, and for how long that goes on before a process is replaced. */
const HAUNTED = 700
const HAUNTED_MS = 500
const POLICIES_MEANWHILE = 4

/** Does harm to processes, links, the store and clocks, one thing after the other; each mends by itself after a while. */
export class Faults {
  readonly #context: Context
  readonly #fleet: Fleet
  readonly #chance: Chance
  readonly #operator: Operator
  readonly #plan: Plan

  constructor(o: { context: Context; fleet: Fleet; operator: Operator; chance: Chance; plan: Plan }) {
    this.#operator = o.operator
    this.#context = o.context
    this.#fleet = o.fleet
    this.#chance = o.chance
    this.#plan = o.plan
  }

  /** How long it is until the next one. */
  get nextMs(): number {
    return this.#chance.below(this.#plan.faultEveryMs)
  }

  /** One more. */
  strike(): void {
    const replica = this.#chance.pick(this.#fleet.running)
    const mendMs = this.#chance.inThousand(500) ? this.#chance.below(SHORT_MS_MAX) : this.#chance.below(LONG_MS_MAX)
    const acts: readonly (() => void)[] = [
      () => replica && this.#fleet.kill(replica, mendMs),
      () => replica && this.#fleet.kill(replica, mendMs),
      () => replica && this.#fleet.leave(replica, mendMs),
      () => replica && this.#replace(replica, mendMs),
      () => replica && this.#stop(replica, mendMs),
      () => replica && this.#stop(replica, mendMs),
      () => replica && this.#cutFromStore(replica, mendMs),
      () => replica && this.#cutFromNetwork(replica, mendMs),
      () => this.#elect(mendMs),
      () => this.#restartStore(mendMs),
      () => replica && this.#jump(replica),
      () => this.changeWeather(),
    ]
    this.#chance.pick(acts)?.()
    if (this.#chance.inThousand(400)) this.#operator.ruleSoon()
  }

  /**
   * It was thought to be dead because it could not reach the store, and runs on with NOTIFYs that wait in its hop, while
   * policies change: who takes over at once must not say too early that they are in force.
   */
  #replace(replica: SimReplica, ms: number): void {
    const { network } = this.#context
    network.weather = { ...network.weather, heldUp: HAUNTED }
    this.#note(`${replica.name} is about to be replaced`)
    this.#later(HAUNTED_MS, () => {
      if (this.#chance.inThousand(800)) replica.link.disconnect()
      this.#fleet.replace(replica, ms)
      for (let change = 0; change < POLICIES_MEANWHILE; change += 1) this.#operator.ruleSoon()
    })
  }

  #stop(replica: SimReplica, ms: number): void {
    this.#note(`${replica.name} is stopped for ${ms} ms`)
    replica.clock.stop()
    this.#later(ms, () => replica.clock.goOn())
  }

  #cutFromStore({ link, name }: SimReplica, ms: number): void {
    this.#note(`${name} is cut from the store for ${ms} ms`)
    link.disconnect()
    this.#later(ms, () => !this.#context.store.isDown && link.connect())
  }

  #cutFromNetwork({ name }: SimReplica, ms: number): void {
    const { network } = this.#context
    this.#note(`${name} is cut from the network for ${ms} ms`)
    network.cut(name)
    this.#later(ms, () => network.mend(name))
  }

  #elect(ms: number): void {
    const { store } = this.#context
    const stream = this.#chance.pick(store.streams)
    if (!stream) return
    this.#note(`${stream} has no leader for ${ms} ms`)
    store.elect(stream, ms)
  }

  #restartStore(ms: number): void {
    const { store } = this.#context
    this.#note(`the store is away for ${ms} ms`)
    store.goDown(ms)
    for (const { link } of this.#fleet.running) link.disconnect()
    this.#later(ms, () => {
      if (store.isDown) return
      for (const { link } of this.#fleet.running) link.connect()
    })
  }

  #jump({ clock, name }: SimReplica): void {
    const { wallJumpMs } = this.#plan
    const ms = Math.round(this.#chance.between(-wallJumpMs, wallJumpMs))
    this.#note(`the wall clock of ${name} jumps by ${ms} ms`)
    clock.jump(ms)
  }

  /** The network and the store become another one's: better or worse. */
  changeWeather(): void {
    const { network, store, watchers } = this.#context
    const { lost, doubled, late, stale, heldUp, silentWatchers } = this.#plan
    const share = (max: number): number => this.#chance.below(max + 1)
    network.weather = {
      lost: share(lost),
      doubled: share(doubled),
      late: share(late),
      delayMs: 1 + share(40),
      heldUp: share(heldUp),
    }
    store.weather = {
      lost: share(lost),
      doubled: share(Math.min(doubled, 5)),
      late: share(late),
      stale: share(stale),
      delayMs: 0.5 + share(20),
    }
    for (const watcher of watchers.values()) watcher.silent = share(silentWatchers)
    this.#note(`the weather changes: ${JSON.stringify(network.weather)} ${JSON.stringify(store.weather)}`)
  }

  #later(ms: number, act: () => void): void {
    this.#context.world.setTimer(ms, act)
  }

  #note(text: string): void {
    this.#context.trace.note(text)
  }
}
