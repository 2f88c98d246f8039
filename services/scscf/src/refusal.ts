/**
 * Every reason for which the S-CSCF refuses a request, and the status it is answered with. The reason is the label of
 * `rollcall_scscf_refused_total` and of audit events; a peer sees the status alone.
 */
export const REFUSALS = {
  // any request
  malformed: 400,
  'too-many-hops': 483,
  loop: 482,
  'peer-role': 403,
  'no-transaction': 481,
  overload: 503,
  // who owns the registration set (ARCHITECTURE, decision 11)
  'not-served-here': 503,
  'lease-ended': 503,
  'partition-moving': 503,
  'owner-away': 503,
  // REGISTER (TS 24.229 clauses 5.4.1.2.1 and 5.4.1.2.2)
  'foreign-domain': 404,
  'bad-extension': 420,
  'not-sip-identity': 400,
  'contact-count': 400,
  'contact-instances': 403,
  'contact-unbound': 403,
  'contacts-full': 403,
  'path-missing': 400,
  'interval-too-brief': 423,
  'impi-mismatch': 403,
  'user-unknown': 403,
  'identities-dont-match': 403,
  'identity-not-registered': 403,
  'roaming-not-allowed': 403,
  'other-server': 403,
  'hss-refused': 403,
  'hss-unavailable': 503,
  'store-unavailable': 503,
  'attempts-full': 503,
  'attempt-busy': 503,
  'wrong-res': 403,
  'mac-failure': 403,
  'challenge-limit': 403,
  'auts-malformed': 400,
  'out-of-order': 500,
  'other-instance': 403,
  barred: 403,
  // SUBSCRIBE to registration state (TS 24.229 clause 5.4.2.1.1)
  'reg-event-denied': 403,
  'reg-event-unregistered': 480,
  'reg-event-package': 489,
  'reg-event-accept': 406,
  'reg-event-brief': 423,
  'reg-event-full': 503,
  'reg-event-dialog': 481,
  // other requests (TS 24.229 clauses 5.4.3.2 and 5.4.3.3)
  'no-served-user': 403,
  'not-registered': 403,
  'served-user-barred': 403,
  'no-service-route': 403,
  'not-in-dialog': 403,
  'target-malformed': 400,
  'target-scheme': 416,
  'target-unknown': 404,
  'target-foreign': 404,
  'target-barred': 404,
  'target-unregistered': 480,
  'next-hop-unknown': 404,
  'next-hop-away': 503,
  'next-hop-full': 503,
  'next-hop-silent': 408,
  'next-hop-garbled': 502,
} as const satisfies Readonly<Record<string, number>>

export type RefusalReason = keyof typeof REFUSALS

/** Reasons that hold for this replica alone. */
const OF_THIS_REPLICA: ReadonlySet<RefusalReason> = new Set(['not-served-here', 'lease-ended', 'store-unavailable'])

/** Whether another replica may do better: one that sent it here looks again, and a P-CSCF asks another one. */
export function isMisdirected({ reason }: Pick<Refusal, 'reason'>): boolean {
  return OF_THIS_REPLICA.has(reason)
}

/** A refusal, with what else its answer must say. */
export interface Refusal {
  readonly reason: RefusalReason
  /** Header fields of the answer: `Min-Expires`, `Unsupported`. */
  readonly headers?: readonly (readonly [name: string, value: string])[]
}
