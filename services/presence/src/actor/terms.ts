import { EXPIRES_SECONDS_DEFAULT } from '../limits.ts'

/** For how long publications and subscriptions are granted: settings of the service. */
export interface Terms {
  readonly expiresSecondsMin: number
  readonly expiresSecondsMax: number
  /** How long a watcher whose subscription ran out goes on waiting for the presentity's word; 0: not at all. */
  readonly waitingMs: number
}

/**
 * readings, SIP hop 9. `Choice:` who waits does so for three days: RFC 3857 section 4.7.1 wants it long enough for a user
 * who looks days later.
 */
export const DEFAULT_TERMS: Terms = { expiresSecondsMin: 60, expiresSecondsMax: 86_400, waitingMs: 259_200_000 }

/** What is granted to who asks for nothing; a default, which the terms may narrow. */
export function defaultExpiresSeconds(terms: Terms): number {
  return Math.min(Math.max(EXPIRES_SECONDS_DEFAULT, terms.expiresSecondsMin), terms.expiresSecondsMax)
}
