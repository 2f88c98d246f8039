import type { PresencePolicy } from '@rollcall/proto-gen/sh'
import type { AuditEvent, Metrics } from '@rollcall/runtime'
import type { PushOutcome } from './push-rounds.ts'

/** What was refused, in few words: the label of `rollcall_hss_refused_total`. */
export type RefusalReason =
  | 'user-unknown'
  | 'identities-dont-match'
  | 'identity-not-registered'
  | 'other-server'
  | 'auts-refused'
  | 'invalid-request'
  | 'subscriber-invalid'
  | 'subscriber-exists'
  | 'subscriber-unknown'
  | 'store-unavailable'
  | 'policy-not-in-force'
  | 'registrations-not-told'
  | 'digest-unknown'

/** The one place where the HSS tells what it decided. */
export class HssEvents {
  readonly #metrics: Metrics
  readonly #audit: (event: AuditEvent) => void

  constructor(options: { readonly metrics: Metrics; readonly audit: (event: AuditEvent) => void }) {
    this.#metrics = options.metrics
    this.#audit = options.audit
  }

  /** A request was refused. Counted only: who asked decides whether it is an event for the audit. */
  refused(reason: RefusalReason): void {
    this.#metrics.counter('rollcall_hss_refused_total', { reason }).add()
  }

  /** An IMPI asked for with an IMPU that it does not own: somebody tries to register as somebody else. */
  identityRefused(reason: 'user-unknown' | 'identities-dont-match', impi: string, impu: string): void {
    this.refused(reason)
    this.#audit({ event: 'identity.refused', outcome: 'refused', reason, identities: { impi, impu } })
  }

  /** A BSF asked for an IMPI that nobody has. */
  gbaIdentityRefused(impi: string): void {
    this.refused('user-unknown')
    this.#audit({ event: 'identity.refused', outcome: 'refused', reason: 'user-unknown', identities: { impi } })
  }

  /** A UE reported a synchronisation failure. */
  resynchronised(outcome: 'done' | 'refused', impi: string): void {
    if (outcome === 'refused') this.refused('auts-refused')
    this.#audit({
      event: 'auth.resynchronisation',
      outcome: outcome === 'done' ? 'allowed' : 'refused',
      reason: outcome === 'done' ? 'sqn-reset' : 'wrong-mac-s',
      identities: { impi },
    })
  }

  /** A Presence Server was told of changed user data, or an S-CSCF of a registration. */
  pushed(outcome: PushOutcome): void {
    this.#metrics.counter('rollcall_hss_pushes_total', { outcome }).add()
  }

  /** A subscriber's keys are sealed by the current key now. */
  resealed(): void {
    this.#metrics.counter('rollcall_hss_resealed_total').add()
  }

  /** An operator changed who may watch a presentity, or tried to; `failed`: it is stored and may not be in force. */
  policyChanged(
    outcome: 'allowed' | 'refused' | 'failed',
    reason: 'in-force' | 'stored' | 'not-in-force' | 'invalid' | 'unknown',
    o: { readonly presentity: string; readonly policy: PresencePolicy; readonly revision?: bigint },
  ): void {
    const { defaultAllow, allow, block } = o.policy
    const detail = { defaultAllow, allowed: allow.length, blocked: block.length, revision: o.revision?.toString() }
    this.#audit({ event: 'policy.changed', outcome, reason, identities: { presentity: o.presentity }, detail })
  }

  /** An operator changed a user's password or security settings, or tried to. */
  credentialsChanged(outcome: 'allowed' | 'refused', reason: string, impi: string): void {
    this.#audit({ event: 'credentials.changed', outcome, reason, identities: { impi } })
  }

  /** An operator changed a subscriber, or tried to. */
  subscriberChanged(outcome: 'allowed' | 'refused', reason: string, subscription: string): void {
    this.#audit({ event: 'subscriber.changed', outcome, reason, identities: { subscription } })
  }
}
