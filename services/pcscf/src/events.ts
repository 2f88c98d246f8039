import { type Clock, TokenBuckets } from '@rollcall/core'
import type { AuditEvent, Metrics } from '@rollcall/runtime'
import type { ContactEnd } from './contacts/record.ts'
import type { SaSetView, SetEnd } from './sa/sa-table.ts'

/** Packets that are no SIP of ours can come at any rate: the counter counts all, the audit log tells these of each kind. */
const DROP_AUDITS = { burst: 20, intervalMs: 1_000 }

/** Who it was about. */
export interface Identities {
  readonly impi?: string | undefined
  readonly impu?: string | undefined
}

/** The one place where the P-CSCF tells what it decided. Never a key, never an address of a UE. */
export class PcscfEvents {
  readonly #metrics: Metrics
  readonly #audit: (event: AuditEvent) => void
  readonly #dropAudits: TokenBuckets

  constructor(o: { readonly metrics: Metrics; readonly audit: (event: AuditEvent) => void; readonly clock: Clock }) {
    this.#metrics = o.metrics
    this.#audit = o.audit
    this.#dropAudits = new TokenBuckets(o.clock, DROP_AUDITS)
  }

  /** A request was answered with an error of our own: overload, a store that is away, a mistake of the UE's. */
  refused(reason: string): void {
    this.#metrics.counter('rollcall_pcscf_refused_total', { reason }).add()
  }

  /** The UE sent something that we put right and passed on. */
  corrected(what: string): void {
    this.#metrics.counter('rollcall_pcscf_corrected_total', { what }).add()
  }

  /** What became of our subscriptions to registration states, and what they told. */
  regEvent(outcome: 'subscribed' | 'refused' | 'failed' | 'shortened' | 'identities' | 'ended'): void {
    this.#metrics.counter('rollcall_pcscf_reg_event_total', { outcome }).add()
  }

  /** Something came that gets no answer. */
  dropped(reason: string): void {
    this.#metrics.counter('rollcall_pcscf_dropped_total', { reason }).add()
  }

  /** Something came, and gets no answer, that only a forger or a broken UE sends. */
  forgeryDropped(reason: string, identities: Identities = {}): void {
    this.dropped(reason)
    if (this.#dropAudits.take(reason)) this.#audit({ event: 'sa.refused', outcome: 'refused', reason, identities })
  }

  /** A request claims what its way in does not prove. */
  identityRefused(reason: string, method: string, identities: Identities = {}): void {
    this.refused(reason)
    if (!this.#dropAudits.take(reason)) return
    this.#audit({ event: 'identity.refused', outcome: 'refused', reason, identities, detail: { method } })
  }

  /** Which identity the core is told, by which SA set we know, and what charging records find it by. */
  identityAsserted(
    method: string,
    set: SaSetView,
    { impu, icid }: { readonly impu: string; readonly icid: string },
    traceparent: string,
  ): void {
    this.#audit({
      event: 'identity.asserted',
      outcome: 'allowed',
      identities: { impi: set.impi, impu },
      detail: { method, saSet: set.id, icid },
      traceparent,
    })
  }

  /** A challenge goes to the UE; its keys stay here, in a temporary set. */
  challenged(set: SaSetView, traceparent: string): void {
    this.#audit({
      event: 'auth.challenge',
      outcome: 'allowed',
      identities: { impi: set.impi },
      detail: { saSet: set.id, protection: protectionOf(set), initial: set.origin === undefined },
      traceparent,
    })
  }

  /** The UE has proven that it has the keys, and the core that it knows RES. */
  authenticated(set: SaSetView, traceparent: string): void {
    this.#audit({
      event: 'sa.established',
      outcome: 'allowed',
      identities: { impi: set.impi },
      detail: { saSet: set.id, protection: protectionOf(set) },
      traceparent,
    })
  }

  /** A registration came to nothing. Of those that proved nothing, a flood is audited in part. */
  registrationRefused(
    reason: string,
    o: {
      /** What the UE was told. */
      readonly status: number
      /** It came in an SA. */
      readonly isProtected: boolean
      readonly identities: Identities
      readonly traceparent: string
    },
  ): void {
    this.refused(reason)
    if (!o.isProtected && !this.#dropAudits.take(reason)) return
    const { identities, traceparent, status } = o
    this.#audit({
      event: 'registration.refused',
      outcome: 'refused',
      reason,
      identities,
      detail: { status },
      traceparent,
    })
  }

  /** A contact is no more. */
  registrationEnded(reason: ContactEnd, impi: string): void {
    this.#audit({ event: 'registration.ended', outcome: 'allowed', reason, identities: { impi } })
  }

  setRemoved(set: SaSetView, why: SetEnd): void {
    this.#audit({
      event: 'sa.removed',
      outcome: 'allowed',
      reason: why,
      identities: { impi: set.impi },
      detail: { saSet: set.id, state: set.state },
    })
  }
}

function protectionOf(set: SaSetView): string {
  return `${set.encryption} ${set.integrity}`
}
