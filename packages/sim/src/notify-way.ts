import { type Notice, type NotifyOutcome, notifyOutcome } from '@rollcall/presence/partition'
import type { Chance } from './chance.ts'
import type { Context } from './context.ts'
import type { SimReplica } from './replica.ts'

/** A NOTIFY without an answer for so long counts as 408. */
const TIMEOUT_MS = 6_000
/** How long a NOTIFY waits in the hop at most, or for its stream to be there again. */
const HELD_UP_MS_MAX = 4_000

/** One NOTIFY on its way. */
interface Sending {
  readonly epoch: bigint
  readonly notice: Notice
  readonly cseq: number
  readonly body: string | undefined
  readonly mayLeave: () => boolean
  readonly done: (outcome: NotifyOutcome) => void
}

/** The way of NOTIFYs to the watchers: they wait in the hop, leave if they still may, and are answered or not. */
export class NotifyWay {
  readonly #context: Context
  readonly #replica: SimReplica
  readonly #chance: Chance
  #branches = 0

  constructor(o: { context: Context; replica: SimReplica; chance: Chance }) {
    this.#context = o.context
    this.#replica = o.replica
    this.#chance = o.chance
  }

  send(sending: Sending): void {
    const { clock } = this.#replica
    this.#branches += 1
    const branch = `${this.#replica.name}.${this.#replica.incarnation}.${this.#branches}`
    let isOver = false
    const end = (outcome: NotifyOutcome): void => {
      if (isOver) return
      isOver = true
      timeout.cancel()
      sending.done(outcome)
    }
    const timeout = clock.setTimer(TIMEOUT_MS, () => end('unreachable'))
    const leave = (): void => {
      if (isOver) return
      if (sending.mayLeave()) this.#leave(sending, branch, end)
      else end('withdrawn')
    }
    const { heldUp } = this.#context.network.weather
    clock.setTimer(this.#chance.inThousand(heldUp) ? this.#chance.below(HELD_UP_MS_MAX) : 0, leave)
    if (this.#chance.inThousand(heldUp)) clock.setTimer(this.#chance.below(HELD_UP_MS_MAX), leave)
  }

  #leave({ epoch, notice, cseq, body }: Sending, branch: string, end: (outcome: NotifyOutcome) => void): void {
    const { network, witness, trace, watchers } = this.#context
    const { presentity, subscription, ended } = notice
    const { id, eventId: dialog } = subscription
    const watcher = subscription.watcher[0] ?? ''
    const what = `NOTIFY ${dialog} CSeq ${cseq}${ended ? ` (${ended})` : ''}${body === undefined ? ' empty' : ''}`
    trace.note(`${this.#replica.name} ${what} leaves for ${watcher}`)
    const hasContent = body !== undefined
    witness.left({ replica: this.#replica.name, presentity, watcher, dialog: id, cseq, epoch, branch, hasContent })
    const to = watchers.get(watcher)
    if (!to) return
    network.send(this.#replica, to, what, () => {
      const status = to.notified({
        presentity,
        dialog,
        subscriptionId: id,
        cseq,
        body,
        isLast: ended !== undefined,
      })
      if (status === undefined) return
      network.send(to, this.#replica, `${status} to ${what}`, () => end(notifyOutcome(status)))
    })
  }
}
