import type { Chance } from './chance.ts'
import type { Context } from './context.ts'
import { NodeClock } from './loop/node-clock.ts'
import type { Plan } from './plan.ts'
import { SimReplica } from './replica.ts'

/** The processes of the Presence Server: they are started, end, and are started again under the same name. */
export class Fleet {
  readonly #context: Context
  readonly #chance: Chance
  readonly #plan: Plan
  #incarnations = 0
  #isCalm = false

  constructor(o: { context: Context; chance: Chance; plan: Plan }) {
    this.#context = o.context
    this.#chance = o.chance
    this.#plan = o.plan
  }

  get names(): readonly string[] {
    return Array.from({ length: this.#plan.replicas }, (_, ordinal) => `presence-${ordinal}`)
  }

  /** Those that run, stopped ones too. */
  get running(): readonly SimReplica[] {
    return [...this.#context.replicas.values()].filter(({ clock }) => !clock.isDead)
  }

  start(name: string): void {
    const { world, replicas, trace } = this.#context
    const before = replicas.get(name)
    if (before && !before.clock.isDead) return
    this.#incarnations += 1
    const { drift, wallJumpMs } = this.#plan
    const clock = new NodeClock(world, {
      rate: 1 + this.#chance.between(-drift, drift),
      startMs: this.#chance.below(100_000),
      wallOffsetMs: this.#chance.between(-wallJumpMs, wallJumpMs),
    })
    const incarnation = this.#incarnations
    const chance = this.#chance.fork()
    const replica = new SimReplica({ context: this.#context, name, incarnation, clock, chance })
    replicas.set(name, replica)
    trace.note(`${name} starts (${incarnation})`)
    if (this.#context.store.isDown) replica.link.disconnect()
    void replica.start()
  }

  kill(replica: SimReplica, restartMs: number): void {
    this.#context.trace.note(`${replica.name} is killed`)
    replica.kill()
    this.#startLater(replica.name, restartMs)
  }

  /** Another process of the same name is started though this one runs: somebody thought that it was dead. */
  replace(replica: SimReplica, killMs: number): void {
    const { world, replicas, trace } = this.#context
    if (replicas.get(replica.name) !== replica) return
    trace.note(`${replica.name} is replaced, and runs on for ${killMs} ms`)
    replicas.delete(replica.name)
    replicas.set(`${replica.name}, replaced (${replica.incarnation})`, replica)
    this.start(replica.name)
    world.setTimer(killMs, () => this.#end(replica))
  }

  leave(replica: SimReplica, restartMs: number): void {
    this.#context.trace.note(`${replica.name} leaves`)
    void replica.leave().then(() => this.#startLater(replica.name, restartMs))
  }

  /** All run and are connected, and stay so. */
  calm(): void {
    this.#isCalm = true
    for (const replica of this.running) if (!this.names.some((name) => this.#isNow(name, replica))) this.#end(replica)
    for (const name of this.names) this.start(name)
    for (const { clock, link } of this.running) {
      clock.goOn()
      link.connect()
    }
  }

  #isNow(name: string, replica: SimReplica): boolean {
    return this.#context.replicas.get(name) === replica
  }

  #end(replica: SimReplica): void {
    if (replica.clock.isDead) return
    this.#context.trace.note(`${replica.name} (${replica.incarnation}) ends`)
    replica.kill()
  }

  #startLater(name: string, afterMs: number): void {
    this.#context.world.setTimer(this.#isCalm ? 0 : afterMs, () => this.start(name))
  }
}
