import type { Impu } from '@rollcall/core'
import type { Chance } from '../chance.ts'
import type { Context } from '../context.ts'
import { HSS } from '../hss.ts'

/** A policy is changed again after so long at most, or, where something has just gone wrong, within this. */
const PERIOD_MS_MAX = 4_000
const SOON_MS_MAX = 800
const TRIES_MAX = 6
const TRY_MS_MAX = 5_000
/** Watchers that a policy blocks, in a thousand. */
const BLOCKED = 300

/** Changes who may watch, all the time, and pushes each change by the HSS until some replica says that it is in force. */
export class Operator {
  readonly #context: Context
  readonly #chance: Chance
  readonly #watchers: readonly Impu[]
  readonly #ruled: Impu[] = []
  #isAsleep = false

  constructor(o: { context: Context; chance: Chance; watchers: readonly Impu[] }) {
    this.#context = o.context
    this.#chance = o.chance
    this.#watchers = o.watchers
  }

  /** Changes the policy of a presentity again and again. */
  rule(presentity: Impu): void {
    this.#ruled.push(presentity)
    this.#context.world.setTimer(this.#chance.between(300, PERIOD_MS_MAX), () => this.#again(presentity))
  }

  /** Changes some policy within moments. */
  ruleSoon(): void {
    const presentity = this.#chance.pick(this.#ruled)
    if (presentity) this.#context.world.setTimer(this.#chance.below(SOON_MS_MAX), () => this.#change(presentity))
  }

  #again(presentity: Impu): void {
    if (this.#isAsleep) return
    this.#change(presentity)
    this.#context.world.setTimer(this.#chance.between(300, PERIOD_MS_MAX), () => this.#again(presentity))
  }

  #change(presentity: Impu): void {
    if (this.#isAsleep) return
    const block = this.#watchers.filter(() => this.#chance.inThousand(BLOCKED))
    const revision = this.#context.hss.setPolicy(presentity, { defaultAllow: true, allow: [], block })
    this.#context.trace.note(`policy ${revision} of ${presentity} blocks ${block.join() || 'nobody'}`)
    this.#push(presentity, revision, 0)
  }

  sleep(): void {
    this.#isAsleep = true
  }

  #push(presentity: Impu, revision: bigint, tries: number): void {
    const { world, hss, network, replicas } = this.#context
    const told = hss.userData(presentity)
    // A newer one is pushed by itself.
    if (tries >= TRIES_MAX || told.revision !== revision) return
    let isOver = false
    const again = (): void => {
      if (isOver) return
      isOver = true
      this.#push(presentity, revision, tries + 1)
    }
    world.setTimer(TRY_MS_MAX, again)
    const replica = this.#chance.pick([...replicas.values()].filter(({ clock }) => !clock.isDead))
    if (!replica) return
    network.send(HSS, replica, `policy ${revision}`, () => {
      replica.push(presentity, told, false).then(
        () =>
          network.send(replica, HSS, 'policy in force', () => {
            isOver = true
          }),
        () => network.send(replica, HSS, 'policy not in force', () => world.setTimer(200, again)),
      )
    })
  }
}
