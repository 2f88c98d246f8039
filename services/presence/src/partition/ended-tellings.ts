import type { Impu } from '@rollcall/core'
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

  of(presentity: Impu): Iterable<Telling> {
    return this.#byPresentity.get(presentity) ?? NOBODY
  }
}
