import type { Impu } from '@rollcall/core'
import {
  assertedWatcher,
  type DecisionContext,
  type PresencePolicy,
  type SubHandling,
  type WatcherIdentity,
} from '@rollcall/policy'
import { EXPIRES_SECONDS_NEVER_TOO_BRIEF, FULL_RETRY_AFTER_SECONDS, SUBSCRIPTIONS_MAX } from '../limits.ts'
import type { Change } from './change.ts'
import { type Answer, type Decision, refuse } from './decision.ts'
import { decisionContext } from './decision-context.ts'
import type { SubscriptionDialog } from './packed-dialog.ts'
import { policyOf } from './policy-of.ts'
import { PIDF_MEDIA_TYPE } from './publish.ts'
import { dialogOf, type EventPackage, type NotifyBase, type PresentityState, type Subscription } from './state.ts'
import { defaultExpiresSeconds, type Terms } from './terms.ts'

/** The body type of NOTIFYs, which is also what an absent Accept means (RFC 3856 section 6.5, RFC 3857 section 4.5). */
export const NOTIFY_MEDIA_TYPES: Readonly<Record<EventPackage, string>> = {
  presence: PIDF_MEDIA_TYPE,
  'presence.winfo': 'application/watcherinfo+xml',
}

/** What an initial SUBSCRIBE and one in a dialog have in common. */
interface AnySubscribeInput {
  readonly eventPackage: EventPackage
  readonly eventId: string
  /** Asserted identities of the sender. */
  readonly watcher: readonly Impu[]
  /** One of them is the presentity's own. */
  readonly isOwn: boolean
  /** Media ranges, lower case, without parameters; absent when there is no Accept header. */
  readonly accept: readonly string[] | undefined
  readonly expiresSeconds: number | undefined
  readonly notifyBase: NotifyBase
  /** Of ours: goes into the 200, so that requests in the dialog find the partition. */
  readonly contact: string
  /** Copied into the 200 (RFC 3261 section 12.1.1). */
  readonly recordRoute: readonly string[]
  readonly newTag: string
}

/** A SUBSCRIBE outside of a dialog. */
export interface SubscribeInput extends AnySubscribeInput {
  readonly kind: 'subscribe'
  readonly resource: Impu
  /** The watcher asks that nobody be told who it is (RFC 3323 section 4.2, RFC 3325 section 7). */
  readonly isHidden: boolean
  readonly dialog: SubscriptionDialog
  readonly policy: PresencePolicy
}

/** A SUBSCRIBE with a To tag. */
export interface ResubscribeInput extends AnySubscribeInput {
  readonly kind: 'resubscribe'
  readonly subscriptionId: string
  readonly callId: string
  readonly remoteTag: string
  readonly cseq: number
  readonly remoteTarget: string
  /** Absent for `Expires: 0`: to leave, nobody needs leave. */
  readonly policy: PresencePolicy | undefined
}

/**
 * Decides a SUBSCRIBE outside of a dialog: who asks, what for, then for how long.
 *
 * Blocked: 403, no dialog, no NOTIFY, and nothing in watcher information. `Expires: 0` is a fetch: a subscription that
 * ends in the same record, so that its one NOTIFY is told as surely as any other.
 * `Choice:` the ten thousand and first subscription is 503 with Retry-After.
 *
 * @see RFC 6665 section 4.2.1; RFC 3856 section 6; RFC 3857 section 4; readings, Presence 2 and 3
 */
export function decideSubscribe(state: PresentityState, input: SubscribeInput, nowMs: number, terms: Terms): Decision {
  const { eventPackage, eventId, resource, watcher, isHidden, isOwn, notifyBase, newTag } = input
  // guard: foreign-winfo — who watches is told to the presentity alone
  if (eventPackage === 'presence.winfo' && !input.isOwn) return refuse('foreign-winfo', newTag)
  const context = decisionContext(state.publications.values(), nowMs)
  const handling = handlingOf(input, policyOf(state, input.policy), context)
  // guard: policy-block — whom the policy blocks gets no subscription
  if (handling === 'block') return { ...refuse('policy-block', newTag), handling }
  const interval = intervalOf(input, terms)
  if (!('seconds' in interval)) return { ...interval, handling }
  // guard: subscriptions-max — a presentity has a bounded number of subscriptions
  if (state.subscriptions.size >= SUBSCRIPTIONS_MAX) {
    return {
      ...refuse('subscriptions-full', newTag, [['Retry-After', String(FULL_RETRY_AFTER_SECONDS)]]),
      handling,
    }
  }
  const expiresAtMs = nowMs + interval.seconds * 1_000
  const id = newTag
  const common = { id, eventPackage, eventId, resource, watcher, isHidden, isOwn, handling, expiresAtMs, notifyBase }
  const changes: Change[] = [{ kind: 'subscription-stored', subscription: { ...common, dialog: input.dialog } }]
  if (interval.seconds === 0) changes.push({ kind: 'subscription-ended', id, reason: 'timeout', silent: false })
  return { changes, answer: accepted(input, interval.seconds), handling }
}

/**
 * Decides a SUBSCRIBE in a dialog: refresh, or with `Expires: 0` the end. Only who made the subscription may touch it;
 * knowing its tags is not enough. The policy is asked again: a watcher blocked meanwhile gets 403 and the NOTIFY that
 * ends it.
 *
 * @see RFC 6665 section 4.2.1.2; RFC 3261 section 12.2.2
 */
export function decideResubscribe(
  state: PresentityState,
  input: ResubscribeInput,
  nowMs: number,
  terms: Terms,
): Decision {
  const { newTag, cseq, notifyBase } = input
  const subscription = state.subscriptions.get(input.subscriptionId)
  if (!subscription || !isOf(subscription, input)) return refuse('subscription-unknown', newTag)
  // guard: foreign-watcher — a subscription is touched by its watcher alone
  if (!sharesIdentity(subscription.watcher, input.watcher)) return refuse('foreign-watcher', newTag)
  if (cseq <= subscription.remoteCseq) return refuse('cseq-out-of-order', newTag)
  const interval = intervalOf(input, terms)
  if (!('seconds' in interval)) return interval

  const context = decisionContext(state.publications.values(), nowMs)
  const { id, isHidden } = subscription
  const { seconds } = interval
  const handling = input.policy
    ? handlingOf({ ...input, isHidden }, policyOf(state, input.policy), context)
    : subscription.handling
  if (handling === 'block') {
    const rejected = { kind: 'subscription-ended', id, reason: 'rejected', silent: false } as const
    return { ...refuse('policy-block', newTag), changes: [rejected], handling }
  }
  const changes: Change[] = [
    {
      kind: 'subscription-refreshed',
      id,
      remoteCseq: cseq,
      remoteTarget: input.remoteTarget,
      expiresAtMs: nowMs + seconds * 1_000,
      handling,
      notifyBase,
    },
  ]
  if (seconds === 0) changes.push({ kind: 'subscription-ended', id, reason: 'timeout', silent: false })
  return { changes, answer: accepted(input, seconds), ...(input.policy ? { handling } : {}) }
}

/** A watcher as a subscription keeps it. */
type WatcherOfRules = Pick<Subscription, 'watcher' | 'isHidden'>

/** Who a watcher is to rules: who hides has no name there (RFC 5025 section 3.1.1). */
export function identityOf({ watcher, isHidden }: WatcherOfRules): WatcherIdentity {
  // guard: hidden-watcher — who asks for privacy is let in by no rule about a name, and told to nobody
  return isHidden ? { kind: 'pseudonymous', identities: watcher } : assertedWatcher(watcher)
}

/** What a watcher's subscription is worth now. A presentity may always watch itself. */
export function handlingOf(
  watcher: WatcherOfRules & { readonly isOwn: boolean },
  policy: PresencePolicy,
  context: DecisionContext,
): SubHandling {
  return watcher.isOwn ? 'allow' : policy.decide(identityOf(watcher), context).handling
}

function isOf(subscription: Subscription, input: ResubscribeInput): boolean {
  const { eventPackage, eventId } = subscription
  const dialog = dialogOf(subscription)
  return (
    dialog.callId === input.callId &&
    dialog.remoteTag === input.remoteTag &&
    eventPackage === input.eventPackage &&
    eventId === input.eventId
  )
}

function sharesIdentity(some: readonly Impu[], others: readonly Impu[]): boolean {
  return some.some((identity) => others.includes(identity))
}

/** The interval granted, or why there is none. */
function intervalOf(input: AnySubscribeInput, terms: Terms): { readonly seconds: number } | Decision {
  const { eventPackage, accept, expiresSeconds = defaultExpiresSeconds(terms), newTag } = input
  if (accept && !accept.some((range) => matches(range, NOTIFY_MEDIA_TYPES[eventPackage]))) {
    return refuse('not-acceptable', newTag, [['Accept', NOTIFY_MEDIA_TYPES[eventPackage]]])
  }
  const isBrief = expiresSeconds !== 0 && expiresSeconds < terms.expiresSecondsMin
  if (isBrief && expiresSeconds < EXPIRES_SECONDS_NEVER_TOO_BRIEF) {
    return refuse('expires-too-brief', newTag, [['Min-Expires', String(terms.expiresSecondsMin)]])
  }
  return { seconds: Math.min(expiresSeconds, terms.expiresSecondsMax) }
}

function matches(range: string, mediaType: string): boolean {
  return range === '*/*' || range === mediaType || range === `${mediaType.slice(0, mediaType.indexOf('/'))}/*`
}

function accepted(input: AnySubscribeInput, expiresSeconds: number): Answer {
  return {
    status: 200,
    headers: [
      ...input.recordRoute.map((value) => ['Record-Route', value] as const),
      ['Contact', input.contact],
      ['Expires', String(expiresSeconds)],
    ],
    toTag: input.newTag,
  }
}
