import type { Impu } from '@rollcall/core'
import { type Watcher, writeWatcherinfo } from '@rollcall/pidf'
import { nameForPresentity } from '@rollcall/policy'
import { WINFO_WATCHERS_MAX } from '../limits.ts'
import type { EndedSubscription, GoneWatcher, Touched } from './apply.ts'
import type { PresentityState, Subscription } from './state.ts'
import { identityOf } from './subscribe.ts'
import type { WaitingWatcher } from './waiting.ts'

/** One watcher at the moment of a view. */
interface WatcherEntry {
  readonly watcher: Watcher
  readonly startedAtMs: number
  /** Absent of who has no subscription. */
  readonly expiresAtMs?: number
}

/** What a reader of watcher information knows after a document: a watcher and how he stands, side by side. */
export interface ToldWatchers {
  readonly ids: readonly string[]
  /** Of each one a letter of `markOf`. */
  readonly marks: string
}

const NOBODY: readonly WatcherEntry[] = []
const ANONYMOUS = 'sip:anonymous@anonymous.invalid'

/**
 * What the presentity may see of its watchers at one moment. Who has gone appears in the one document that tells it
 * (RFC 3858 section 4), so a view takes the gone ones of the view it replaces along.
 *
 * `Choice:` a document has room for `WINFO_WATCHERS_MAX`: for all who wait, and for those with a subscription in the order
 * in which they came. Who comes in when another one goes is told then.
 */
export class WinfoView {
  readonly #live: readonly WatcherEntry[]
  readonly #gone: readonly WatcherEntry[]
  /** Watchers that did not fit in. */
  readonly omitted: number

  private constructor(live: readonly WatcherEntry[], gone: readonly WatcherEntry[], omitted: number) {
    this.#live = live
    this.#gone = gone
    this.omitted = omitted
  }

  static of(state: PresentityState, touched?: Pick<Touched, 'ended' | 'gone'>): WinfoView {
    const { subscriptions, waiting } = state
    const live: WatcherEntry[] = []
    const room = WINFO_WATCHERS_MAX - (waiting?.size ?? 0)
    for (const subscription of subscriptions.values()) {
      if (live.length === room) break
      if (subscription.eventPackage === 'presence') live.push(liveEntry(subscription))
    }
    const { winfoIds, xcapIds } = subscriptions
    const omitted = subscriptions.size - winfoIds.length - xcapIds.length - live.length
    for (const place of waiting?.values() ?? []) live.push(waitingEntry(place))
    return new WinfoView(live, touched ? goneEntries(state, touched) : NOBODY, omitted)
  }

  /** This view, with those whom `replaced` would have told to be gone; the newest `max` of them. */
  replacing(replaced: WinfoView, max: number): WinfoView {
    return new WinfoView(this.#live, [...replaced.#gone, ...this.#gone].slice(-max), this.omitted)
  }

  /** What a reader knows once it has read this. */
  get told(): ToldWatchers {
    return {
      ids: this.#live.map(({ watcher }) => watcher.id),
      marks: this.#live.map(({ watcher }) => markOf(watcher)).join(''),
    }
  }

  /**
   * The document. For a reader who knows `told` it has what has changed since then, and is `partial`; without that, or
   * where somebody is not there any more of whose end nothing is known, all of it.
   *
   * @see RFC 3858 section 4
   */
  body(resource: Impu, version: number, nowMs: number, told?: ToldWatchers): Buffer {
    const changed = told && this.#changedSince(told)
    const watchers = [...(changed ?? this.#live), ...this.#gone].map(({ watcher, startedAtMs, expiresAtMs }) => ({
      ...watcher,
      durationSubscribedSeconds: Math.max(0, Math.floor((nowMs - startedAtMs) / 1_000)),
      ...(expiresAtMs === undefined
        ? {}
        : { expirationSeconds: Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1_000)) }),
    }))
    const state = changed ? 'partial' : 'full'
    return writeWatcherinfo({ version, state, resource, eventPackage: 'presence', watchers })
  }

  /** Undefined when what has changed does not lead a reader from there to here. */
  #changedSince({ ids, marks }: ToldWatchers): readonly WatcherEntry[] | undefined {
    const known = new Map(ids.map((id, at) => [id, marks[at]]))
    const changed: WatcherEntry[] = []
    for (const entry of this.#live) {
      if (known.get(entry.watcher.id) !== markOf(entry.watcher)) changed.push(entry)
      known.delete(entry.watcher.id)
    }
    for (const { watcher } of this.#gone) known.delete(watcher.id)
    return known.size === 0 ? changed : undefined
  }
}

/** One letter for status and event of a watcher who is there; a capital one for who has no name. */
function markOf({ status, event, uri }: Watcher): string {
  const mark = status === 'active' && event === 'approved' ? 'b' : status.charAt(0)
  return uri === ANONYMOUS ? mark.toUpperCase() : mark
}

function liveEntry(subscription: Subscription): WatcherEntry {
  const { id, handling, watcherEvent, startedAtMs, expiresAtMs } = subscription
  const status = handling === 'confirm' ? 'pending' : 'active'
  return { watcher: { id, uri: nameOf(subscription), status, event: watcherEvent }, startedAtMs, expiresAtMs }
}

function waitingEntry(place: WaitingWatcher): WatcherEntry {
  const { id, startedAtMs } = place
  return { watcher: { id, uri: nameOf(place), status: 'waiting', event: 'timeout' }, startedAtMs }
}

/** Who has gone; not those who go on waiting. */
function goneEntries({ waiting }: PresentityState, { ended, gone }: Pick<Touched, 'ended' | 'gone'>): WatcherEntry[] {
  const entries = new Map<string, WatcherEntry>()
  for (const { subscription, reason } of ended) {
    if (subscription.eventPackage !== 'presence' || waiting?.has(subscription.id)) continue
    entries.set(subscription.id, goneEntry(subscription, reason))
  }
  for (const watcher of gone) entries.set(watcher.id, goneEntry(watcher, watcher.reason))
  return [...entries.values()]
}

function goneEntry(
  watcher: Omit<GoneWatcher, 'reason'>,
  event: EndedSubscription['reason'] | GoneWatcher['reason'],
): WatcherEntry {
  const { id, startedAtMs } = watcher
  return { watcher: { id, uri: nameOf(watcher), status: 'terminated', event }, startedAtMs }
}

/** What the presentity is told of who watches: the first identity, unless the watcher hides it (RFC 3323 section 4.1). */
function nameOf(watcher: Pick<Subscription, 'watcher' | 'isHidden'>): string {
  return nameForPresentity(identityOf(watcher)) ?? ANONYMOUS
}
