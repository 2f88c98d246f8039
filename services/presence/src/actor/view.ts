import type { Impu } from '@rollcall/core'
import { type Basic, closedPidf, composePidf, scanPidf } from '@rollcall/pidf'
import {
  ALL_PERMITTED,
  type DecisionContext,
  FilterablePidf,
  type Permissions,
  type PresencePolicy,
} from '@rollcall/policy'
import { decisionContext } from './decision-context.ts'
import type { PresentityState, Publication, Subscription } from './state.ts'
import { identityOf } from './subscribe.ts'

/** Who looks. */
type Viewer = Pick<Subscription, 'watcher' | 'isHidden'> & Partial<Pick<Subscription, 'isOwn' | 'proof'>>

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
  /** The rules may say something else at another time. */
  readonly #dependsOnMore: boolean
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
    this.#dependsOnMore = documents !== undefined && (documents.isTimed || documents.usesSphere)
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
    const permissions = this.permissionsOf(watcher)
    if (!permissions) return politeBody(resource)
    return permissions.isAll ? this.#whole(resource) : this.#filterable(resource).filter(permissions)
  }

  /** Whether both show the watcher the same parts of what there is. */
  showsAs(other: PresenceView, watcher: Viewer): boolean {
    if (this.#rules !== other.#rules) return false
    return !this.#dependsOnMore || this.permissionsOf(watcher) === other.permissionsOf(watcher)
  }

  /** How much of it the watcher sees; undefined where the rules do not let him in. */
  permissionsOf(watcher: Viewer): Permissions | undefined {
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

/** Whether a later view is of other rules than an earlier one, or of another time of the same: that one may show more. */
export function isOtherwiseRuled(earlier: unknown, later: unknown, watcher: Viewer): boolean {
  return earlier instanceof PresenceView && later instanceof PresenceView && !later.showsAs(earlier, watcher)
}

/** What a politely blocked watcher sees: the same as of a presentity who publishes nothing (readings, Presence 6). */
export function politeBody(resource: Impu): Buffer {
  return closedPidf(resource)
}
