import type { Impu } from '@rollcall/core'
import {
  ALL_PERMITTED,
  assertedWatcher,
  type DecisionContext,
  type PresencePolicy,
  type RuleDecision,
  type SubHandling,
  subscribeOutcome,
  type WatcherIdentity,
} from '@rollcall/policy'
import { XCAP_DIFF_MEDIA_TYPE } from '@rollcall/xcap'
import {
  DOCUMENT_SUBSCRIPTIONS_MAX,
  EXPIRES_SECONDS_NEVER_TOO_BRIEF,
  FULL_RETRY_AFTER_SECONDS,
  SUBSCRIPTIONS_MAX,
} from '../limits.ts'
import type { Change } from './change.ts'
import { type Answer, type Decision, refuse } from './decision.ts'
import { decisionContext } from './decision-context.ts'
import type { SubscriptionDialog } from './packed-dialog.ts'
import { policyOf } from './policy-of.ts'
import { PIDF_MEDIA_TYPE } from './publish.ts'
import {
  dialogOf,
  type EventPackage,
  type NotifyBase,
  type PresentityState,
  type Subscription,
  type WatcherProof,
} from './state.ts'
import { defaultExpiresSeconds, type Terms } from './terms.ts'
import { WaitingRoom } from './waiting.ts'
import type { XcapSelection } from './xcap-selection.ts'

/** The body type of NOTIFYs, which is also what an absent Accept means (RFC 3856 section 6.5, RFC 3857 section 4.5, RFC 5875 section 4.7). */
export const NOTIFY_MEDIA_TYPES: Readonly<Record<EventPackage, string>> = {
  presence: PIDF_MEDIA_TYPE,
  'presence.winfo': 'application/watcherinfo+xml',
  'xcap-diff': XCAP_DIFF_MEDIA_TYPE,
}

/** What an initial SUBSCRIBE and one in a dialog have in common. */
interface AnySubscribeInput {
  readonly eventPackage: EventPackage
  readonly eventId: string
  /** Identities of the sender: asserted, or proved. */
  readonly watcher: readonly Impu[]
  /** The watcher asks that nobody be told who it is (RFC 3323 section 4.2, RFC 3325 section 7). */
  readonly isHidden: boolean
  /** One of them is the presentity's own. */
  readonly isOwn: boolean
  /** Media ranges, lower case, without parameters; absent when there is no Accept header. */
  readonly accept: readonly string[] | undefined
  readonly expiresSeconds: number | undefined
  readonly notifyBase: NotifyBase
  /** Of the package `xcap-diff`; in a dialog absent for the same as before. */
  readonly xcap?: XcapSelection
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
  /** How he proved who he is; undefined when the network vouches, or nobody. */
  readonly proof: WatcherProof | undefined
  readonly dialog: SubscriptionDialog
  readonly policy: PresencePolicy
  /** The presentity is told when it is refused; absent: no. */
  readonly tellsRefusal?: boolean
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
 * Blocked: 403, no dialog, no NOTIFY; the presentity is told once in a while. Whom nobody vouches for is asked to prove who he
 * is, 401, and so is who hides and is blocked without a name: his name may let him in. `Expires: 0` is a fetch: a subscription that
 * ends in the same record, so that its one NOTIFY is told as surely as any other.
 * `Choice:` the ten thousand and first subscription is 503 with Retry-After.
 *
 * @see RFC 6665 section 4.2.1; RFC 3856 section 6; RFC 3857 section 4; readings, Presence 2 and 3
 */
export function decideSubscribe(state: PresentityState, input: SubscribeInput, nowMs: number, terms: Terms): Decision {
  const { eventPackage, eventId, resource, watcher, isHidden, proof, isOwn, notifyBase, newTag } = input
  const identity = identityOf(input)
  // guard: watcher-unverified — whom nobody vouches for, and who has proved nothing, gets no subscription
  if (identity.kind === 'unverified') return refuse('watcher-unproved', newTag)
  // guard: foreign-winfo — who watches is told to the presentity alone
  if (eventPackage === 'presence.winfo' && !input.isOwn) return refuse('foreign-winfo', newTag)
  // guard: foreign-documents — what becomes of a user's documents is told to the user alone
  if (eventPackage === 'xcap-diff' && !input.isOwn) return refuse('foreign-documents', newTag)
  const context = decisionContext(state.publications.values(), nowMs)
  const { handling, nextChangeMs } = decisionOf(input, policyOf(state, input.policy), context)
  if (subscribeOutcome(identity, { handling }) === 'challenged') return refuse('watcher-unproved', newTag)
  // guard: policy-block — whom the policy blocks gets no subscription
  if (handling === 'block')
    return { ...refuse('policy-block', newTag), changes: refusedChanges(state, input), handling }
  const interval = intervalOf(input, terms)
  if (!('seconds' in interval)) return { ...interval, handling }
  // guard: subscriptions-max — a presentity has a bounded number of subscriptions
  if (state.subscriptions.size >= SUBSCRIPTIONS_MAX) {
    return {
      ...refuse('subscriptions-full', newTag, [['Retry-After', String(FULL_RETRY_AFTER_SECONDS)]]),
      handling,
    }
  }
  // guard: document-subscriptions-max — what a user's terminals ask to hear of has a bound
  if (eventPackage === 'xcap-diff' && state.subscriptions.xcapIds.length >= DOCUMENT_SUBSCRIPTIONS_MAX) {
    return refuse('subscriptions-full', newTag, [['Retry-After', String(FULL_RETRY_AFTER_SECONDS)]])
  }
  const expiresAtMs = nowMs + interval.seconds * 1_000
  const id = newTag
  const common = {
    id,
    eventPackage,
    eventId,
    resource,
    watcher,
    isHidden,
    proof,
    isOwn,
    handling,
    expiresAtMs,
    notifyBase,
  }
  const { dialog, xcap } = input
  const room = new WaitingRoom(state, { nowMs, waitingMs: terms.waitingMs })
  const changes: Change[] = [
    ...(eventPackage === 'presence' ? room.leave(input, 'giveup') : []),
    { kind: 'subscription-stored', subscription: { ...common, dialog, ...(xcap && { xcap }) } },
  ]
  if (interval.seconds === 0) changes.push(...room.timeout(common, false))
  return { changes, answer: accepted(input, interval.seconds), handling, nextChangeMs }
}

/**
 * What the presentity learns of a SUBSCRIBE that is refused: that who waited is rejected, or who it was, if it is one of
 * the few that she hears of.
 *
 * @see RFC 3857 section 4.7.1; readings, Presence 3
 */
function refusedChanges(state: PresentityState, { watcher, isHidden, newTag, tellsRefusal }: SubscribeInput): Change[] {
  const left = new WaitingRoom(state, NOBODY_WAITS).leave({ watcher, isHidden }, 'rejected')
  if (left.length > 0 || !tellsRefusal) return left
  return [{ kind: 'watcher-refused', id: newTag, watcher, isHidden }]
}

const NOBODY_WAITS = { nowMs: 0, waitingMs: 0 }

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
  // Only who proved himself then can do so now: he is asked for it.
  if (subscription.proof && input.watcher.length === 0) return refuse('watcher-unproved', newTag)
  // guard: foreign-watcher — a subscription is touched by its watcher alone
  if (!sharesIdentity(subscription.watcher, input.watcher)) return refuse('foreign-watcher', newTag)
  if (cseq <= subscription.remoteCseq) return refuse('cseq-out-of-order', newTag)
  const interval = intervalOf(input, terms)
  if (!('seconds' in interval)) return interval

  const context = decisionContext(state.publications.values(), nowMs)
  const { id, proof } = subscription
  const { seconds } = interval
  // guard: hidden-later — who asks for privacy in the dialog is named no more from then on; `Choice:` and for good
  const isHidden = subscription.isHidden || input.isHidden
  // What was proved stands, whatever the network asserts now.
  const watcher = proof ? subscription.watcher : input.watcher
  const decision =
    input.policy && decisionOf({ watcher, isHidden, proof, isOwn: input.isOwn }, policyOf(state, input.policy), context)
  const handling = decision?.handling ?? subscription.handling
  const isNewlyHidden = isHidden && !subscription.isHidden
  const refreshed = (as: SubHandling): Change => ({
    kind: 'subscription-refreshed',
    id,
    remoteCseq: cseq,
    remoteTarget: input.remoteTarget,
    expiresAtMs: nowMs + seconds * 1_000,
    handling: as,
    notifyBase,
    ...(isNewlyHidden && { isHidden }),
    ...(input.xcap && { xcap: input.xcap }),
  })
  if (handling === 'block') {
    const rejected = { kind: 'subscription-ended', id, reason: 'rejected', silent: false } as const
    // guard: hidden-end — also his end is told without the name that he has just hidden
    const hidden = isNewlyHidden ? [refreshed(subscription.handling)] : []
    return { ...refuse('policy-block', newTag), changes: [...hidden, rejected], handling }
  }
  const changes: Change[] = [refreshed(handling)]
  if (seconds === 0) {
    const room = new WaitingRoom(state, { nowMs, waitingMs: terms.waitingMs })
    changes.push(...room.timeout({ ...subscription, isHidden, handling }, false))
  }
  return {
    changes,
    answer: accepted(input, seconds),
    ...(decision && { handling, nextChangeMs: decision.nextChangeMs }),
  }
}

/** A watcher as a subscription keeps it. */
type WatcherOfRules = Pick<Subscription, 'watcher' | 'isHidden' | 'proof'>

/**
 * Who a watcher is to rules: who hides has no name there, unless he has told it to this server (RFC 5025 section 3.1.1).
 */
export function identityOf({
  watcher,
  isHidden,
  proof,
}: Omit<WatcherOfRules, 'proof'> & Partial<WatcherOfRules>): WatcherIdentity {
  if (proof) return { kind: 'authenticated', identities: watcher, isAnonymous: isHidden }
  const isNamed = watcher.length > 0
  // guard: hidden-watcher — who asks for privacy is let in by no rule about a name, and told to nobody
  return isHidden && isNamed ? { kind: 'pseudonymous', identities: watcher } : assertedWatcher(watcher)
}

/** What a watcher's subscription is worth now. A presentity may always watch itself. */
export function handlingOf(
  watcher: WatcherOfRules & { readonly isOwn: boolean },
  policy: PresencePolicy,
  context: DecisionContext,
): SubHandling {
  return decisionOf(watcher, policy, context).handling
}

const OWN: RuleDecision = { handling: 'allow', permissions: ALL_PERMITTED, matched: [], usesSphere: false }

/** The same, with what he may see and until when that is sure to stand. */
export function decisionOf(
  watcher: WatcherOfRules & { readonly isOwn: boolean },
  policy: PresencePolicy,
  context: DecisionContext,
): RuleDecision {
  return watcher.isOwn ? OWN : policy.decide(identityOf(watcher), context)
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
