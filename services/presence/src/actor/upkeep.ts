import type { Impu } from '@rollcall/core'
import type { PresencePolicy } from '@rollcall/policy'
import { CHANGES_PER_RECORD_MAX, REGISTRATION_END_KEPT_MS } from '../limits.ts'
import type { Change, EndReason } from './change.ts'
import type { Decision } from './decision.ts'
import { decisionContext } from './decision-context.ts'
import type { NotifyBase, PresentityState } from './state.ts'
import { handlingOf } from './subscribe.ts'
import type { Terms } from './terms.ts'
import { WaitingRoom } from './waiting.ts'

/** Time has passed: what ran out ends. */
export interface ExpireInput {
  readonly kind: 'expire'
}

/** The policy changed, or is known for the first time since the log was read. */
export interface PolicyInput {
  readonly kind: 'policy'
  /** The one that holds: `policyOf`. */
  readonly policy: PresencePolicy
  /** The presentity's own identities. */
  readonly impus: readonly Impu[]
}

/** A dialog is gone, or nobody answers in it any more, or its CSeqs are used up. */
export interface EndInput {
  readonly kind: 'end'
  readonly subscriptionId: string
  readonly reason: EndReason
  readonly silent: boolean
}

/** A watcher is not registered any more. */
export interface EndWatcherInput {
  readonly kind: 'end-watcher'
  readonly subscriptionIds: readonly string[]
}

/** Watchers are to be told anew what they may see: the rules show them something else, though they may watch as before. */
export interface TellInput {
  readonly kind: 'tell'
  readonly subscriptionIds: readonly string[]
}

/** A dialog comes near its stride. */
export interface MoveNotifyBaseInput {
  readonly kind: 'move-notify-base'
  readonly subscriptionId: string
  readonly notifyBase: NotifyBase
}

/**
 * Ends what ran out, as many as fit into one record: ask again while something is due. A subscription without the
 * presentity's word goes on waiting for that, and ends when it has waited long enough.
 *
 * @see ARCHITECTURE, decision 4: expiry is the owner's act; RFC 3857 section 4.7.1
 */
export function decideExpire(state: PresentityState, nowMs: number, terms: Terms): Decision {
  const changes: Change[] = []
  for (const { entityTag, expiresAtMs } of state.publications.values()) {
    if (expiresAtMs <= nowMs) changes.push({ kind: 'publication-removed', entityTag, expired: true })
  }
  changes.push(...expiredRegistration(state, nowMs, changes.length))
  for (const { id, giveUpAtMs } of state.waiting?.values() ?? []) {
    if (giveUpAtMs <= nowMs) changes.push({ kind: 'waiting-ended', id, reason: 'giveup' })
  }
  const room = new WaitingRoom(state, { nowMs, waitingMs: terms.waitingMs })
  for (const subscription of state.subscriptions.expired(nowMs, CHANGES_PER_RECORD_MAX - changes.length)) {
    const more = room.timeout(subscription, false)
    if (changes.length + more.length > CHANGES_PER_RECORD_MAX) break
    changes.push(...more)
  }
  return { changes }
}

/** The end of a registration's time, as far as this server was told of it; or the end of the memory of one. */
function expiredRegistration(state: PresentityState, nowMs: number, publicationsGone: number): Change[] {
  const { registration, publications } = state
  if (!registration || registration.expiresAtMs > nowMs) return []
  const { isRegistered, toldAtMs, callId, cseq } = registration
  if (isRegistered) {
    const forgetAtMs = nowMs + REGISTRATION_END_KEPT_MS
    return [{ kind: 'registration-ended', forgetAtMs, toldAtMs, callId, cseq, expired: true }]
  }
  return publications.size > publicationsGone ? [] : [{ kind: 'registration-forgotten' }]
}

/**
 * Decides all watchers anew, as many changes as fit into one record: who is blocked now is told that it is over, and
 * nothing more. Who waits has nobody to tell: the presentity's word ends that, whichever it is.
 *
 * @see RFC 5025 section 3.2.1; RFC 3857 section 4.7.1
 */
export function decidePolicy(state: PresentityState, input: PolicyInput, nowMs: number): Decision {
  const changes: Change[] = []
  const context = decisionContext(state.publications.values(), nowMs)
  for (const subscription of state.subscriptions.values()) {
    const { id, eventPackage, watcher, isHidden, proof, handling: before } = subscription
    if (changes.length >= CHANGES_PER_RECORD_MAX) break
    if (eventPackage !== 'presence') continue
    const isOwn = watcher.some((identity) => input.impus.includes(identity))
    const handling = handlingOf({ watcher, isHidden, proof, isOwn }, input.policy, context)
    if (handling === before) continue
    // guard: policy-decided-anew — who is blocked now has no subscription any more
    if (handling === 'block') changes.push({ kind: 'subscription-ended', id, reason: 'rejected', silent: false })
    else changes.push({ kind: 'subscription-decided', id, handling })
  }
  for (const place of state.waiting?.values() ?? []) {
    if (changes.length >= CHANGES_PER_RECORD_MAX) break
    const handling = handlingOf({ ...place, isOwn: false }, input.policy, context)
    if (handling === 'confirm') continue
    changes.push({ kind: 'waiting-ended', id: place.id, reason: handling === 'block' ? 'rejected' : 'approved' })
  }
  return { changes }
}

/** Tells watchers again, as many as are still there. */
export function decideTell(state: PresentityState, { subscriptionIds }: TellInput): Decision {
  return {
    changes: subscriptionIds.flatMap((id) => {
      const subscription = state.subscriptions.get(id)
      return subscription ? [{ kind: 'subscription-decided', id, handling: subscription.handling }] : []
    }),
  }
}

export function decideEnd(state: PresentityState, input: EndInput, nowMs: number, terms: Terms): Decision {
  const { subscriptionId: id, reason, silent } = input
  const subscription = state.subscriptions.get(id)
  if (!subscription) return { changes: [] }
  if (reason !== 'timeout') return { changes: [{ kind: 'subscription-ended', id, reason, silent }] }
  return { changes: new WaitingRoom(state, { nowMs, waitingMs: terms.waitingMs }).timeout(subscription, silent) }
}

/**
 * Ends the subscriptions of a watcher who cannot be reached any more, without a word to it; the presentity hears of it.
 * Choice: `deactivated`, for what was watched is there still, and the watcher may subscribe anew when it registers. Who had
 * no word yet goes on waiting for it, as if he had unsubscribed: a phone that is switched off takes no question back.
 *
 * @see RFC 6665 section 4.1.3; RFC 3857 section 4.7.1
 */
export function decideEndWatcher(
  state: PresentityState,
  { subscriptionIds }: EndWatcherInput,
  nowMs: number,
  terms: Terms,
): Decision {
  const changes: Change[] = []
  const room = new WaitingRoom(state, { nowMs, waitingMs: terms.waitingMs })
  for (const id of subscriptionIds) {
    const subscription = state.subscriptions.get(id)
    if (!subscription) continue
    const deactivated = { kind: 'subscription-ended', id, reason: 'deactivated', silent: true } as const
    const more = subscription.handling === 'confirm' ? room.timeout(subscription, true) : [deactivated]
    if (changes.length + more.length > CHANGES_PER_RECORD_MAX) break
    changes.push(...more)
  }
  return { changes }
}

export function decideMoveNotifyBase(state: PresentityState, input: MoveNotifyBaseInput): Decision {
  const { subscriptionId: id, notifyBase } = input
  return { changes: state.subscriptions.has(id) ? [{ kind: 'notify-base-moved', id, notifyBase }] : [] }
}
