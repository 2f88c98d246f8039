import { EXPIRES_SECONDS_DEFAULT } from '../limits.ts'

/** For how long publications and subscriptions are granted: settings of the service. */
export interface Terms {
  readonly expiresSecondsMin: number
  readonly expiresSecondsMax: number
}

/** readings, SIP hop 9. */
export const DEFAULT_TERMS: Terms = { expiresSecondsMin: 60, expiresSecondsMax: 86_400 }

/** What is granted to who asks for nothing; a default, which the terms may narrow. */
export function defaultExpiresSeconds(terms: Terms): number {
  return Math.min(Math.max(EXPIRES_SECONDS_DEFAULT, terms.expiresSecondsMin), terms.expiresSecondsMax)
}
