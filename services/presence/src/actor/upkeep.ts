import type { Impu } from '@rollcall/core'
import type { PresencePolicy } from '@rollcall/policy'
import { CHANGES_PER_RECORD_MAX, REGISTRATION_END_KEPT_MS } from '../limits.ts'
import type { Change, EndReason } from './change.ts'
import type { Decision } from './decision.ts'
import { decisionContext } from './decision-context.ts'
import type { NotifyBase, PresentityState } from './state.ts'
import { handlingOf } from './subscribe.ts'

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

/** A dialog comes near its stride. */
export interface MoveNotifyBaseInput {
  readonly kind: 'move-notify-base'
  readonly subscriptionId: string
  readonly notifyBase: NotifyBase
}

/**
 * Ends what ran out, as many as fit into one record: ask again while something is due.
 *
 * @see ARCHITECTURE, decision 4: expiry is the owner's act
 */
export function decideExpire(state: PresentityState, nowMs: number): Decision {
  const changes: Change[] = []
  for (const { entityTag, expiresAtMs } of state.publications.values()) {
    if (expiresAtMs <= nowMs) changes.push({ kind: 'publication-removed', entityTag, expired: true })
  }
  changes.push(...expiredRegistration(state, nowMs, changes.length))
  for (const { id } of state.subscriptions.expired(nowMs, CHANGES_PER_RECORD_MAX - changes.length)) {
    changes.push({ kind: 'subscription-ended', id, reason: 'timeout', silent: false })
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
 * nothing more.
 *
 * @see RFC 5025 section 3.2.1; RFC 3857 section 4.7.1
 */
export function decidePolicy(state: PresentityState, input: PolicyInput, nowMs: number): Decision {
  const changes: Change[] = []
  const context = decisionContext(state.publications.values(), nowMs)
  for (const { id, eventPackage, watcher, isHidden, handling: before } of state.subscriptions.values()) {
    if (changes.length >= CHANGES_PER_RECORD_MAX) break
    if (eventPackage !== 'presence') continue
    const isOwn = watcher.some((identity) => input.impus.includes(identity))
    const handling = handlingOf({ watcher, isHidden, isOwn }, input.policy, context)
    if (handling === before) continue
    // guard: policy-decided-anew — who is blocked now has no subscription any more
    if (handling === 'block') changes.push({ kind: 'subscription-ended', id, reason: 'rejected', silent: false })
    else changes.push({ kind: 'subscription-decided', id, handling })
  }
  return { changes }
}

export function decideEnd(state: PresentityState, input: EndInput): Decision {
  const { subscriptionId: id, reason, silent } = input
  return { changes: state.subscriptions.has(id) ? [{ kind: 'subscription-ended', id, reason, silent }] : [] }
}

/**
 * Ends the subscriptions of a watcher who cannot be reached any more, without a word to it; the presentity hears of it.
 * Choice: `deactivated`, for what was watched is there still, and the watcher may subscribe anew when it registers.
 *
 * @see RFC 6665 section 4.1.3; RFC 3857 section 4.7.1
 */
export function decideEndWatcher(state: PresentityState, { subscriptionIds }: EndWatcherInput): Decision {
  const ids = subscriptionIds.filter((id) => state.subscriptions.has(id)).slice(0, CHANGES_PER_RECORD_MAX)
  return {
    changes: ids.map((id) => ({ kind: 'subscription-ended', id, reason: 'deactivated', silent: true })),
  }
}

export function decideMoveNotifyBase(state: PresentityState, input: MoveNotifyBaseInput): Decision {
  const { subscriptionId: id, notifyBase } = input
  return { changes: state.subscriptions.has(id) ? [{ kind: 'notify-base-moved', id, notifyBase }] : [] }
}
