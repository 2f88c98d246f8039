import type { Clock, Impu } from '@rollcall/core'
import type { Subscription } from '../actor/state.ts'
import { endedUnder, type Notice, type Ruling } from './notice.ts'
import type { Telling } from './telling.ts'

const NOBODY: readonly Telling[] = []

/** Dialogs of which the last NOTIFY is not told yet, by presentity: their subscriptions are in no state any more. */
export class EndedTellings {
  readonly #byPresentity = new Map<Impu, Set<Telling>>()

  add(presentity: Impu, telling: Telling): void {
    const known = this.#byPresentity.get(presentity)
    if (known) known.add(telling)
    else this.#byPresentity.set(presentity, new Set([telling]))
  }

  remove(presentity: Impu, telling: Telling): void {
    const known = this.#byPresentity.get(presentity)
    if (known?.delete(telling) && known.size === 0) this.#byPresentity.delete(presentity)
  }

  /**
   * What has not left yet shows no more than its watcher may see now: the subscriptions have ended, so that nothing is
   * left that could be decided anew.
   */
  decideAnew(presentity: Impu, rulingNow: (subscription: Subscription) => Ruling): void {
    const decided = (notice: Notice | undefined): Notice | undefined => notice && endedUnder(notice, rulingNow)
    for (const telling of this.#of(presentity)) {
      telling.next = decided(telling.next)
      const notice = decided(telling.notice)
      if (notice !== telling.notice) telling.flight += 1
      telling.notice = notice
    }
  }

  /** Resolves when what is under way with content is answered, or after `graceMs`: it may have left before. */
  async landed(presentity: Impu, clock: Clock, graceMs: number): Promise<void> {
    const landings: Promise<void>[] = []
    for (const telling of this.#of(presentity)) {
      if (!telling.flown || telling.flown.ended === 'rejected') continue
      const { promise, resolve } = Promise.withResolvers<void>()
      const others = telling.whenLanded
      telling.whenLanded = () => {
        others?.()
        resolve()
      }
      landings.push(promise)
    }
    if (landings.length === 0) return
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const timer = clock.setTimer(graceMs, resolve)
    await Promise.race([Promise.all(landings), late])
    timer.cancel()
  }

  #of(presentity: Impu): Iterable<Telling> {
    return this.#byPresentity.get(presentity) ?? NOBODY
  }
}
