import { tokenEnd } from './chars.ts'
import { parseDeltaSeconds } from './delta-seconds.ts'
import { SipSyntaxError } from './errors.ts'
import { paramValue, parseParams } from './params.ts'

/** The Subscription-State of a NOTIFY. */
export interface SubscriptionState {
  /** `active`, `pending`, `terminated`, or another token; in lower case. */
  readonly state: string
  readonly expiresSeconds?: number | undefined
  /** In lower case: `deactivated`, `probation`, `rejected`, `timeout`, `giveup`, `noresource`, `invariant`. */
  readonly reason?: string | undefined
  readonly retryAfterSeconds?: number | undefined
}

/**
 * Reads Subscription-State; what it does not name is absent.
 *
 * @throws SipSyntaxError
 * @see RFC 6665 section 8.4
 */
export function parseSubscriptionState(text: string): SubscriptionState {
  const end = tokenEnd(text, 0)
  if (end === 0) throw new SipSyntaxError('Subscription-State', 'has no state')
  const params = parseParams(text, end, 'Subscription-State')
  const expires = paramValue(params, 'expires')
  const reason = paramValue(params, 'reason')
  const retryAfter = paramValue(params, 'retry-after')
  return {
    state: text.slice(0, end).toLowerCase(),
    ...(expires === undefined ? {} : { expiresSeconds: parseDeltaSeconds(expires, 'Subscription-State') }),
    ...(reason === undefined ? {} : { reason: reason.toLowerCase() }),
    ...(retryAfter === undefined ? {} : { retryAfterSeconds: parseDeltaSeconds(retryAfter, 'Subscription-State') }),
  }
}

export function formatSubscriptionState(value: SubscriptionState): string {
  const reason = value.reason === undefined ? '' : `;reason=${value.reason}`
  const expires = value.expiresSeconds === undefined ? '' : `;expires=${value.expiresSeconds}`
  const retryAfter = value.retryAfterSeconds === undefined ? '' : `;retry-after=${value.retryAfterSeconds}`
  return value.state + reason + expires + retryAfter
}
