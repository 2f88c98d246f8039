import { WAITING_WATCHERS_MAX } from '../limits.ts'
import type { Change } from './change.ts'
import { FewMap } from './few-map.ts'
import type { PresentityState, Subscription } from './state.ts'

/**
 * A watcher whose subscription ran out before the presentity had a word for it: she still sees that somebody asked. Never
 * changed.
 *
 * @see RFC 3857 section 4.7.1: `waiting`
 */
export interface WaitingWatcher extends Pick<Subscription, 'id' | 'watcher' | 'isHidden' | 'proof' | 'startedAtMs'> {
  readonly giveUpAtMs: number
}

/** The watchers who wait for a presentity's word, the one that has waited longest first. */
export type WaitingWatchers = FewMap<WaitingWatcher>

export function noWaitingWatchers(): WaitingWatchers {
  return new FewMap(({ id }) => id)
}

/** How somebody ends who waits: by the presentity's word, or because that does not come. */
export type WaitingEnd = 'approved' | 'rejected' | 'giveup'

/** What of a subscription counts when it runs out. */
type Ending = Pick<Subscription, 'id' | 'eventPackage' | 'watcher' | 'isHidden' | 'handling'>
type Place = Pick<WaitingWatcher, 'id' | 'watcher' | 'isHidden'>

/**
 * Who waits after the changes of one decision.
 *
 * `Choice:` a watcher has one place, a presentity has `WAITING_WATCHERS_MAX` of them: whoever has waited longest gives
 * way. So RFC 3857 section 4.7.1 advises to limit what strangers make a server keep.
 */
export class WaitingRoom {
  readonly #places: Place[]
  readonly #untilMs: number

  /** With `waitingMs` 0 nobody waits. */
  constructor(
    { waiting }: Pick<PresentityState, 'waiting'>,
    o: { readonly nowMs: number; readonly waitingMs: number },
  ) {
    this.#places = waiting ? [...waiting.values()] : []
    this.#untilMs = o.waitingMs === 0 ? 0 : o.nowMs + o.waitingMs
  }

  /** How a subscription ends whose time is over, or whose watcher left: who had no word yet goes on waiting for it. */
  timeout(subscription: Ending, silent: boolean): Change[] {
    const { id, eventPackage, watcher, isHidden, handling } = subscription
    const ended = { kind: 'subscription-ended', id, reason: 'timeout', silent } as const
    if (eventPackage !== 'presence' || handling !== 'confirm' || this.#untilMs === 0) return [ended]
    const changes: Change[] = [...this.leave(subscription, 'giveup'), { ...ended, waitsUntilMs: this.#untilMs }]
    const [oldest] = this.#places
    if (oldest && this.#places.length >= WAITING_WATCHERS_MAX) {
      this.#places.shift()
      changes.push({ kind: 'waiting-ended', id: oldest.id, reason: 'giveup' })
    }
    this.#places.push({ id, watcher, isHidden })
    return changes
  }

  /** The watcher's place is not needed any more: a subscription of his is there again, or is refused. */
  leave(watcher: Pick<Place, 'watcher' | 'isHidden'>, reason: WaitingEnd): Change[] {
    const at = this.#places.findIndex((place) => isSame(place, watcher))
    const place = this.#places[at]
    if (!place) return []
    this.#places.splice(at, 1)
    return [{ kind: 'waiting-ended', id: place.id, reason }]
  }
}

function isSame(one: Pick<Place, 'watcher' | 'isHidden'>, other: Pick<Place, 'watcher' | 'isHidden'>): boolean {
  // guard: waiting-hidden — who waits without a name must not be given away by what he does under his own
  if (one.isHidden !== other.isHidden) return false
  return one.watcher.some((identity) => other.watcher.includes(identity))
}

/** When the first one has waited long enough. */
export function nextGiveUpMs(waiting: WaitingWatchers | undefined): number {
  let nextMs = Number.POSITIVE_INFINITY
  if (waiting) for (const { giveUpAtMs } of waiting.values()) nextMs = Math.min(nextMs, giveUpAtMs)
  return nextMs
}
