import type { Clock, Impu } from '@rollcall/core'
import type { Subscription } from '../actor/state.ts'

/** So long a watcher who is refused over and over is told of no more. */
const TOLD_AGAIN_MS = 3_600_000
/** Watchers that are remembered: while there are more, the presentities hear of no new ones. */
const TOLD_MAX = 10_000

type Refused = Pick<Subscription, 'watcher' | 'isHidden'>

/**
 * Of which refused watchers the presentities have just heard: of each one they hear at most once an hour, so that nobody
 * can flood them by asking. `Choice:` that is kept in memory alone; the owner after this one may tell once more.
 *
 * @see readings, Presence 3
 */
export class RefusalsTold {
  readonly #clock: Pick<Clock, 'monotonic'>
  readonly #max: number
  /** When each was told, the oldest first. */
  readonly #told = new Map<string, number>()

  constructor(clock: Pick<Clock, 'monotonic'>, max = TOLD_MAX) {
    this.#clock = clock
    this.#max = max
  }

  /** May the presentity hear of this one? */
  mayTell(presentity: Impu, refused: Refused): boolean {
    this.#forgetOld()
    // guard: refusal-told-hourly — who is refused over and over must not flood the presentity
    return !this.#told.has(keyOf(presentity, refused)) && this.#told.size < this.#max
  }

  /** The presentity hears of it. */
  note(presentity: Impu, refused: Refused): void {
    const key = keyOf(presentity, refused)
    this.#told.delete(key)
    if (this.#told.size < this.#max) this.#told.set(key, this.#clock.monotonic())
  }

  clear(): void {
    this.#told.clear()
  }

  #forgetOld(): void {
    const untilMs = this.#clock.monotonic() - TOLD_AGAIN_MS
    for (const [key, toldAtMs] of this.#told) {
      if (toldAtMs > untilMs) return
      this.#told.delete(key)
    }
  }
}

/** By the first identity: the others are of the same set. Who hides is another one than who does not. */
function keyOf(presentity: Impu, { watcher, isHidden }: Refused): string {
  return `${presentity} ${watcher[0] ?? ''}${isHidden ? ' hidden' : ''}`
}
