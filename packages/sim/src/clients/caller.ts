import type { Impu } from '@rollcall/core'
import type { Chance } from '../chance.ts'
import type { Context } from '../context.ts'
import type { Endpoint } from '../network.ts'
import type { Asked, SimAnswer, SimRequest } from '../requests.ts'

/** A request goes out again after these (RFC 3261 section 17.1.2.2, shortened), then its client gives up. */
const AGAIN_MS: readonly number[] = [500, 1_500, 3_500]
const GIVE_UP_MS = 7_000

/** Sends requests to whichever replica answers, over and over the same, as a transaction does. */
export class Caller implements Endpoint {
  readonly name: string
  readonly context: Context
  readonly chance: Chance
  #calls = 0

  constructor(o: { context: Context; name: string; chance: Chance }) {
    this.name = o.name
    this.context = o.context
    this.chance = o.chance
  }

  /** Calls back once: with the final answer, or with nothing when there was none and nobody knows what became of it. */
  call(presentity: Impu, asked: Asked, done: (answer: SimAnswer | undefined) => void): void {
    const { world, trace } = this.context
    this.#calls += 1
    const branch = `${this.name}.${this.#calls}`
    const request: SimRequest = { key: { callId: this.name, cseq: this.#calls, branch }, presentity, asked }
    let isOver = false
    const end = (answer: SimAnswer | undefined): void => {
      if (isOver) return
      isOver = true
      for (const timer of timers) timer.cancel()
      trace.note(`${this.name} ${asked.kind} ${branch} ${presentity}: ${answer ? answer.status : 'no answer'}`)
      done(answer)
    }
    const timers = [
      ...[0, ...AGAIN_MS].map((afterMs) => world.setTimer(afterMs, () => this.#send(request, end))),
      world.setTimer(GIVE_UP_MS, () => end(undefined)),
    ]
  }

  #send(request: SimRequest, end: (answer: SimAnswer | undefined) => void): void {
    const { network, replicas } = this.context
    const replica = this.chance.pick([...replicas.values()].filter(({ clock }) => !clock.isDead))
    if (!replica) return
    const what = `${request.asked.kind} ${request.key.branch}`
    network.send(this, replica, what, () => {
      replica.front?.take(request, (answer) =>
        network.send(replica, this, `${answer.status} to ${what}`, () => end(answer)),
      )
    })
  }
}
