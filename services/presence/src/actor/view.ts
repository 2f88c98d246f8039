import type { Impu } from '@rollcall/core'
import { type Basic, closedPidf, composePidf, scanPidf, type Watcher, writeWatcherinfo } from '@rollcall/pidf'
import { WINFO_WATCHERS_MAX } from '../limits.ts'
import type { EndedSubscription } from './apply.ts'
import type { PresentityState, Publication, Subscription } from './state.ts'

/**
 * What watchers may see of a presentity at one moment. Made when a record is applied, told when it is durable: later
 * changes do not show. The document is composed when the first watcher needs it, and once for all of them.
 */
export class PresenceView {
  readonly #publications: readonly Publication[]
  readonly #network: Basic | undefined
  readonly #bodies = new Map<Impu, Buffer>()

  constructor(state: PresentityState) {
    this.#publications = [...state.publications.values()].sort((a, b) => a.number - b.number)
    const { registration } = state
    this.#network = registration && (registration.isRegistered ? 'open' : 'closed')
  }

  /** The document for those who watch under the name of `resource`. */
  bodyFor(resource: Impu): Buffer {
    const known = this.#bodies.get(resource)
    if (known) return known
    const inputs = this.#publications.map(({ number, receivedAtMs, body }) => ({
      id: String(number),
      receivedAtMs,
      document: scanPidf(Buffer.from(body, 'latin1')),
    }))
    const body = composePidf(resource, inputs, this.#network)
    this.#bodies.set(resource, body)
    return body
  }
}

/** What a politely blocked watcher sees: the same as of a presentity who publishes nothing (readings, Presence 6). */
export function politeBody(resource: Impu): Buffer {
  return closedPidf(resource)
}

/** One watcher at the moment of a view. */
interface WatcherEntry {
  readonly watcher: Watcher
  readonly startedAtMs: number
  readonly expiresAtMs: number
}

/**
 * What the presentity may see of its watchers at one moment. Who has gone appears in the one document that tells it
 * (RFC 3858 section 4), so a view takes the gone ones of the view it replaces along.
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

  static of(state: PresentityState, ended: readonly EndedSubscription[] = []): WinfoView {
    const { subscriptions } = state
    const live: WatcherEntry[] = []
    for (const subscription of subscriptions.values()) {
      if (live.length === WINFO_WATCHERS_MAX) break
      if (subscription.eventPackage === 'presence') live.push(liveEntry(subscription))
    }
    const omitted = subscriptions.size - subscriptions.winfoIds.length - live.length
    const gone = ended.filter(({ subscription }) => subscription.eventPackage === 'presence').map(goneEntry)
    return new WinfoView(live, gone, omitted)
  }

  /** This view, with those whom `replaced` would have told to be gone; the newest `max` of them. */
  replacing(replaced: WinfoView, max: number): WinfoView {
    return new WinfoView(this.#live, [...replaced.#gone, ...this.#gone].slice(-max), this.omitted)
  }

  body(resource: Impu, version: number, nowMs: number): Buffer {
    const watchers = [...this.#live, ...this.#gone].map(({ watcher, startedAtMs, expiresAtMs }) => ({
      ...watcher,
      durationSubscribedSeconds: Math.max(0, Math.floor((nowMs - startedAtMs) / 1_000)),
      ...(watcher.status === 'terminated'
        ? {}
        : { expirationSeconds: Math.max(0, Math.ceil((expiresAtMs - nowMs) / 1_000)) }),
    }))
    return writeWatcherinfo({ version, state: 'full', resource, eventPackage: 'presence', watchers })
  }
}

function liveEntry({ id, watcher, handling, watcherEvent, startedAtMs, expiresAtMs }: Subscription): WatcherEntry {
  const status = handling === 'confirm' ? 'pending' : 'active'
  return { watcher: { id, uri: nameOf(watcher), status, event: watcherEvent }, startedAtMs, expiresAtMs }
}

function goneEntry({ subscription, reason }: EndedSubscription): WatcherEntry {
  const { id, watcher, startedAtMs, expiresAtMs } = subscription
  return { watcher: { id, uri: nameOf(watcher), status: 'terminated', event: reason }, startedAtMs, expiresAtMs }
}

/** The first identity that the network asserted. */
function nameOf(watcher: readonly Impu[]): string {
  return watcher[0] ?? 'sip:anonymous@anonymous.invalid'
}
