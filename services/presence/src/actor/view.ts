import type { Impu } from '@rollcall/core'
import { type Basic, closedPidf, composePidf, scanPidf, type Watcher, writeWatcherinfo } from '@rollcall/pidf'
import {
  ALL_PERMITTED,
  type DecisionContext,
  FilterablePidf,
  nameForPresentity,
  type Permissions,
  type PresencePolicy,
} from '@rollcall/policy'
import { WINFO_WATCHERS_MAX } from '../limits.ts'
import type { EndedSubscription } from './apply.ts'
import { decisionContext } from './decision-context.ts'
import type { PresentityState, Publication, Subscription } from './state.ts'
import { identityOf } from './subscribe.ts'

/** Who looks. */
type Viewer = Pick<Subscription, 'watcher' | 'isHidden'> & Partial<Pick<Subscription, 'isOwn'>>

/**
 * What watchers may see of a presentity at one moment. Made when a record is applied, told when it is durable: later
 * changes do not show. The document is composed when the first watcher needs it, and once for all of them.
 */
export class PresenceView {
  readonly #publications: readonly Publication[]
  readonly #network: Basic | undefined
  /** Documents that stand without a publication. */
  readonly #hardState: readonly Buffer[]
  readonly #presentity: Impu
  readonly #rules: PresencePolicy | undefined
  readonly #context: DecisionContext
  readonly #wholes = new Map<Impu, Buffer>()
  /** Read only where somebody may not see all. */
  readonly #filterables = new Map<Impu, FilterablePidf>()

  constructor(state: PresentityState, nowMs: number) {
    this.#publications = [...state.publications.values()].sort((a, b) => a.number - b.number)
    const { registration, documents } = state
    this.#hardState = documents?.hardState ?? []
    this.#presentity = state.presentity
    this.#rules = documents?.rules
    this.#context = decisionContext(this.#publications, nowMs)
    this.#network = registration && (registration.isRegistered ? 'open' : 'closed')
  }

  /**
   * The document for a watcher under the name of `resource`, as far as the rules of that moment let him see it. Watchers
   * with equal permissions share one.
   *
   * @see RFC 5025 section 3.3
   */
  bodyFor(resource: Impu, watcher: Viewer): Buffer {
    const permissions = this.#permissionsOf(watcher)
    if (!permissions) return politeBody(resource)
    return permissions.isAll ? this.#whole(resource) : this.#filterable(resource).filter(permissions)
  }

  /** Whether both are of the same rules. */
  hasRulesOf(other: PresenceView): boolean {
    return this.#rules === other.#rules
  }

  /** Undefined where the rules do not let him in. */
  #permissionsOf(watcher: Viewer): Permissions | undefined {
    const isOwn = watcher.isOwn || watcher.watcher.includes(this.#presentity)
    // guard: view-permissions — a watcher sees what the rules give, and nothing where they do not let him in
    if (!this.#rules || isOwn) return ALL_PERMITTED
    const { handling, permissions } = this.#rules.decide(identityOf(watcher), this.#context)
    return handling === 'allow' ? permissions : undefined
  }

  #filterable(resource: Impu): FilterablePidf {
    const known = this.#filterables.get(resource)
    if (known) return known
    const filterable = new FilterablePidf(this.#whole(resource))
    this.#filterables.set(resource, filterable)
    return filterable
  }

  #whole(resource: Impu): Buffer {
    const known = this.#wholes.get(resource)
    if (known) return known
    const inputs = this.#publications.map(({ number, receivedAtMs, body }) => ({
      id: String(number),
      receivedAtMs,
      document: scanPidf(Buffer.from(body, 'latin1')),
    }))
    // Whoever publishes knows better (RFC 4827 section 1): this is the oldest there is.
    const hard = this.#hardState.map((octets, i) => ({ id: `h${i}`, receivedAtMs: 0, document: scanPidf(octets) }))
    const whole = composePidf(resource, [...hard, ...inputs], this.#network)
    this.#wholes.set(resource, whole)
    return whole
  }
}

/** Whether a later view is of other rules than an earlier one, which may show more. */
export function isOtherwiseRuled(earlier: PresenceView | WinfoView, later: PresenceView | WinfoView): boolean {
  return earlier instanceof PresenceView && later instanceof PresenceView && !later.hasRulesOf(earlier)
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

function liveEntry(subscription: Subscription): WatcherEntry {
  const { id, handling, watcherEvent, startedAtMs, expiresAtMs } = subscription
  const status = handling === 'confirm' ? 'pending' : 'active'
  return { watcher: { id, uri: nameOf(subscription), status, event: watcherEvent }, startedAtMs, expiresAtMs }
}

function goneEntry({ subscription, reason }: EndedSubscription): WatcherEntry {
  const { id, startedAtMs, expiresAtMs } = subscription
  return { watcher: { id, uri: nameOf(subscription), status: 'terminated', event: reason }, startedAtMs, expiresAtMs }
}

/** What the presentity is told of who watches: the first identity, unless the watcher hides it (RFC 3323 section 4.1). */
function nameOf(subscription: Subscription): string {
  return nameForPresentity(identityOf(subscription)) ?? 'sip:anonymous@anonymous.invalid'
}
