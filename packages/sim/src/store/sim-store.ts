import { type StoreShape, streamsOf } from '@rollcall/store'
import { type Fate, JetStreamModel } from '@rollcall/store/testing'
import type { Chance } from '../chance.ts'
import type { World } from '../loop/world.ts'
import { EpochWatch } from './epoch-watch.ts'

export const REALM = 'sim.example'
const REALM_TOKEN = 'sim_example'

/** How the way to the store is at the moment; shares in a thousand. */
export interface StoreWeather {
  readonly lost: number
  readonly doubled: number
  /** Held up for up to some seconds. */
  readonly late: number
  /** Direct gets that a lagging replica answers. */
  readonly stale: number
  readonly delayMs: number
}

export const CALM_STORE: StoreWeather = { lost: 0, doubled: 0, late: 0, stale: 0, delayMs: 0.5 }
const LATE_MS_MAX = 3_000
const LAG_MAX = 8
/** A leader that was replaced and does not know it answers for so long. */
const DEPOSED_MS_MAX = 1_000

interface Election {
  readonly untilMs: number
  /** An old leader still answers with what it had. */
  readonly deposedUntilMs: number
  readonly deposedLag: number
}

/** The store of all replicas: the model of JetStream, its elections and restarts, and what becomes of requests on their way. */
export class SimStore {
  readonly model: JetStreamModel
  readonly epochs: EpochWatch
  weather: StoreWeather = CALM_STORE
  readonly #world: World
  readonly #chance: Chance
  readonly #shards: number
  readonly #elections = new Map<string, Election>()
  #downUntilMs = 0

  constructor(o: { world: World; chance: Chance; shape: StoreShape; onFault: (fault: string) => void }) {
    this.#world = o.world
    this.#chance = o.chance
    this.#shards = o.shape.shards
    this.model = new JetStreamModel(streamsOf('presence', o.shape))
    this.epochs = new EpochWatch(`presence.${REALM_TOKEN}.log.`, o.onFault)
    this.model.onStored.push((_, message) => this.epochs.stored(message))
  }

  /** Names of its streams. */
  get streams(): readonly string[] {
    return ['presence_lease', ...Array.from({ length: this.#shards }, (_, shard) => `presence_log_${shard}`)]
  }

  get isDown(): boolean {
    return this.#world.monotonic() < this.#downUntilMs
  }

  /** The server is away for so long; what was acknowledged is there afterwards. */
  goDown(ms: number): void {
    this.#downUntilMs = this.#world.monotonic() + ms
  }

  /** A stream has no leader for so long; reads that any replica may answer go on. */
  elect(stream: string, ms: number): void {
    const nowMs = this.#world.monotonic()
    const deposedUntilMs = nowMs + this.#chance.below(DEPOSED_MS_MAX)
    this.#elections.set(stream, { untilMs: nowMs + ms, deposedUntilMs, deposedLag: this.#chance.below(LAG_MAX) })
  }

  calm(): void {
    this.weather = CALM_STORE
    this.#elections.clear()
    this.#downUntilMs = 0
  }

  /** What becomes of a request now. */
  readonly fateOf = (subject: string): Fate => {
    const { lost, doubled, late, stale, delayMs } = this.weather
    const chance = this.#chance
    const arrivesMs = chance.share() * delayMs + (chance.inThousand(late) ? chance.below(LATE_MS_MAX) : 0)
    const answeredMs = chance.share() * delayMs + (chance.inThousand(late) ? chance.below(LATE_MS_MAX) : 0)
    const isDirect = subject.includes('.DIRECT.')
    const again = chance.inThousand(doubled) ? [arrivesMs + chance.below(LATE_MS_MAX)] : []
    return {
      arrivesAfterMs: chance.inThousand(lost) ? again : [arrivesMs, ...again],
      answeredAfterMs: chance.inThousand(lost) ? undefined : answeredMs,
      ...(isDirect && chance.inThousand(stale) && { lag: 1 + chance.below(LAG_MAX) }),
      isServed: () => this.#isServed(subject, isDirect),
      leaderLag: () => this.#leaderLag(subject),
    }
  }

  #isServed(subject: string, isDirect: boolean): boolean {
    if (this.isDown) return false
    const election = this.#electionOf(subject)
    if (!election || isDirect) return true
    // A deposed leader reads, and can write nothing.
    const nowMs = this.#world.monotonic()
    return nowMs >= election.untilMs || (nowMs < election.deposedUntilMs && subject.includes('.MSG.GET.'))
  }

  #leaderLag(subject: string): number {
    const election = this.#electionOf(subject)
    return election && this.#world.monotonic() < election.untilMs ? election.deposedLag : 0
  }

  #electionOf(subject: string): Election | undefined {
    return this.#elections.size === 0 ? undefined : this.#elections.get(this.#streamOf(subject))
  }

  #streamOf(subject: string): string {
    const tokens = subject.split('.')
    if (tokens[0] === '$JS') return tokens.at(-1) ?? ''
    const [, , kind, name] = tokens
    return kind === 'lease' ? 'presence_lease' : `presence_log_${Number(name) % this.#shards}`
  }
}
