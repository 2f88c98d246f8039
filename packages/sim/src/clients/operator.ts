import type { Impu } from '@rollcall/core'
import type { Chance } from '../chance.ts'
import type { Context } from '../context.ts'
import { HSS } from '../hss.ts'

const TRIES_MAX = 6
const TRY_MS_MAX = 5_000

/** Changes who may watch, all the time, and pushes each change by the HSS until some replica says that it is in force. */
export class Operator {
  readonly #context: Context
  readonly #chance: Chance
  readonly #watchers: readonly Impu[]
  #isAsleep = false

  constructor(o: { context: Context; chance: Chance; watchers: readonly Impu[] }) {
    this.#context = o.context
    this.#chance = o.chance
    this.#watchers = o.watchers
  }

  /** Changes the policy of a presentity again and again. */
  rule(presentity: Impu): void {
    this.#context.world.setTimer(this.#chance.between(300, 4_000), () => {
      if (this.#isAsleep) return
      const block = this.#watchers.filter(() => this.#chance.inThousand(350))
      const revision = this.#context.hss.setPolicy(presentity, { defaultAllow: true, allow: [], block })
      this.#context.trace.note(`policy ${revision} of ${presentity} blocks ${block.join() || 'nobody'}`)
      this.#push(presentity, revision, 0)
      this.rule(presentity)
    })
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
