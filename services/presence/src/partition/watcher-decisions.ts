import type { Clock, Impu } from '@rollcall/core'
import { type DecisionContext, type PresencePolicy, plainDecision, type RuleDecision } from '@rollcall/policy'
import { decisionContext } from '../actor/decision-context.ts'
import { policyOf } from '../actor/policy-of.ts'
import { type PresentityState, rulesChangeMs, type Subscription } from '../actor/state.ts'
import { decisionOf } from '../actor/subscribe.ts'
import { CHANGES_PER_RECORD_MAX } from '../limits.ts'
import type { Commits } from './commits.ts'
import type { Ruling } from './notice.ts'
import type { Notifier } from './notifier.ts'
import type { CurrentPolicy } from './owner-context.ts'
import { PolicyRevisions } from './policy-revisions.ts'
import type { Presentities } from './presentities.ts'

export interface WatcherDecisionsOptions {
  readonly clock: Clock
  readonly presentities: Presentities
  readonly commits: Commits
  readonly notifier: Notifier
  /** When the owner before this one wrote last. */
  readonly loadedAtMs: number
}

/** Stands for the provisioned policy where the user has rules, before which it does not count. */
const NO_WORD: PresencePolicy = { decide: () => plainDecision('block') }

/** So much earlier an owner may have had its last look at rules than it wrote. */
const LAST_LOOK_MS = 60_000

/** What time does to the watchers of one presentity. */
interface TimePassed {
  /** When the rules say something else next. */
  readonly changeAtMs: number
  /** Who may watch as before, and sees more or less of it. */
  readonly seeOtherwise: readonly string[]
}

/** Decides the watchers of a partition's presentities anew, when what decides them has changed. */
export class WatcherDecisions {
  readonly #o: WatcherDecisionsOptions
  readonly #policies = new PolicyRevisions()
  readonly #beganAtMs: number

  constructor(options: WatcherDecisionsOptions) {
    this.#o = options
    this.#beganAtMs = options.clock.now()
  }

  /** The highest revision that a presentity's watchers were decided by. */
  revisionOf(presentity: Impu): bigint | undefined {
    return this.#policies.of(presentity)
  }

  /** Is there somebody to decide about: who watches, or waits for a word? */
  isWatched(presentity: Impu): boolean {
    const state = this.#o.presentities.get(presentity)
    return state !== undefined && (state.subscriptions.size > 0 || state.waiting !== undefined)
  }

  /** The presentity has no watchers any more. */
  unwatch(presentity: Impu): void {
    this.#policies.unwatch(presentity)
  }

  clear(): void {
    this.#policies.clear()
  }

  /** Decides the watchers anew when the policy is newer than the one they were decided by. */
  observePolicy(presentity: Impu, { revision, policy, impus }: CurrentPolicy, traceparent: string): void {
    const known = this.#policies.of(presentity)
    if (known !== undefined && revision <= known) return
    this.decideAnew(presentity, { policy, impus }, traceparent)
    this.#policies.note(presentity, revision, this.isWatched(presentity))
  }

  /** Rules that hold from now on, or until now: whom they concern is decided anew, to the second. */
  decideTimed(presentity: Impu): void {
    const { clock, presentities } = this.#o
    // Also while nobody watches: who left a moment ago is concerned. Who comes brings the time of the next change along.
    if (rulesChangeMs(presentities.of(presentity)) <= clock.now()) this.decideByRules(presentity)
  }

  /** By the user's own rules, without a word of the HSS: who watches herself is known by her subscription. */
  decideByRules(presentity: Impu): void {
    const { documents, subscriptions } = this.#o.presentities.of(presentity)
    if (!documents?.isTimed && !documents?.usesSphere) return
    const own = [...subscriptions.values()].filter(({ isOwn }) => isOwn)
    const impus = [presentity, ...own.flatMap(({ watcher }) => watcher)]
    this.decideAnew(presentity, { policy: NO_WORD, impus }, '')
  }

  /** Decides all watchers anew, those among them who have just left. */
  decideAnew(presentity: Impu, { policy, impus }: Omit<CurrentPolicy, 'revision'>, traceparent: string): void {
    const { clock, presentities, commits, notifier } = this.#o
    const state = presentities.of(presentity)
    // Whom nobody watches needs no rules yet, and to make them takes time.
    const inForce: PresencePolicy = { decide: (...args) => policyOf(state, policy).decide(...args) }
    const nowMs = clock.now()
    const rulingAt = (context: DecisionContext, { watcher, isHidden, proof }: Watcher): RuleDecision => {
      const isOwn = watcher.some((identity) => impus.includes(identity))
      return decisionOf({ watcher, isHidden, proof, isOwn }, inForce, context)
    }
    const context = decisionContext(state.publications.values(), nowMs)
    let leftChangeAtMs = Number.POSITIVE_INFINITY
    const rulingNow = (subscription: Subscription): Ruling => {
      const ruling = rulingAt(context, subscription)
      leftChangeAtMs = Math.min(leftChangeAtMs, ruling.nextChangeMs ?? leftChangeAtMs)
      return ruling
    }
    const passed = this.#timePassed(state, nowMs, rulingAt)
    // guard: policy-ended — a last NOTIFY that was not sent yet must not show what its watcher may not see any more
    notifier.decideEnded(presentity, rulingNow)
    // guard: policy-under-way — whoever left a moment ago is told so when that is durable, which may be after this change is
    commits.decideUnderWay(presentity, rulingNow)
    while (commits.upkeep(presentity, { kind: 'policy', policy: inForce, impus }, traceparent) > 0);
    if (!passed) return
    // guard: left-boundary — the last NOTIFY of who has left may wait past the time at which he may see less
    presentities.rulesDecided(presentity, nowMs, Math.min(passed.changeAtMs, leftChangeAtMs))
    for (let at = 0; at < passed.seeOtherwise.length; at += CHANGES_PER_RECORD_MAX) {
      const subscriptionIds = passed.seeOtherwise.slice(at, at + CHANGES_PER_RECORD_MAX)
      commits.upkeep(presentity, { kind: 'tell', subscriptionIds }, traceparent)
    }
  }

  /**
   * Of rules that depend on the time: when they change next, and who sees something else than when all were told last. When
   * another owner told them that is not known to the minute: then it is everybody of whom the rules can have changed since.
   */
  #timePassed(
    { documents, publications, subscriptions, waiting }: PresentityState,
    nowMs: number,
    rulingAt: (context: DecisionContext, watcher: Watcher) => RuleDecision,
  ): TimePassed | undefined {
    if (!documents?.isTimed) return undefined
    const context = decisionContext(publications.values(), nowMs)
    const isOurs = documents.toldAtMs >= this.#beganAtMs
    const toldAtMs = isOurs ? documents.toldAtMs : Math.max(documents.toldAtMs, this.#o.loadedAtMs - LAST_LOOK_MS)
    const before = documents.changeAtMs <= nowMs ? decisionContext(publications.values(), toldAtMs) : undefined
    let changeAtMs = Number.POSITIVE_INFINITY
    const decide = (watcher: Watcher): RuleDecision => {
      const ruling = rulingAt(context, watcher)
      changeAtMs = Math.min(changeAtMs, ruling.nextChangeMs ?? changeAtMs)
      return ruling
    }
    const seeOtherwise: string[] = []
    for (const subscription of subscriptions.values()) {
      if (subscription.eventPackage !== 'presence') continue
      const ruling = decide(subscription)
      if (!before || subscription.handling !== 'allow' || ruling.handling !== 'allow') continue
      const earlier = rulingAt(before, subscription)
      const isOtherwise = isOurs
        ? earlier.permissions !== ruling.permissions
        : (earlier.nextChangeMs ?? nowMs + 1) <= nowMs
      // guard: boundary-told — who may see less from now on is told so, or he would go on seeing what he saw
      if (isOtherwise) seeOtherwise.push(subscription.id)
    }
    for (const place of waiting?.values() ?? []) decide(place)
    return { changeAtMs, seeOtherwise }
  }
}

type Watcher = Pick<Subscription, 'watcher' | 'isHidden' | 'proof'>
