import type { AuditEvent, Metrics } from '@rollcall/runtime'

/** Why a UE was refused, in few words: a label. */
export type UbRefusal =
  | 'malformed'
  | 'not-protected'
  | 'identity-unknown'
  | 'tmpi-unknown'
  | 'wrong-answer'
  | 'wrong-answers'
  | 'source-rate'
  | 'user-rate'
  | 'user-contexts'
  | 'busy'
  | 'gba-digest'
  | 'resynchronisations'
  | 'replayed'
  | 'store-unavailable'
  | 'hss-unavailable'

/** Why a NAF was. */
export type ZnRefusal = 'invalid' | 'foreign-naf' | 'btid-unknown' | 'btid-expired' | 'store-unavailable'

/** Why a challenge was sent. */
export type ChallengeReason = 'first' | 'resynchronised' | 'wrong-answer' | 'unknown-nonce' | 'replayed'

/** The one place where the BSF tells what it decided. */
export class BsfEvents {
  readonly #metrics: Metrics
  readonly #audit: (event: AuditEvent) => void

  constructor(options: { readonly metrics: Metrics; readonly audit: (event: AuditEvent) => void }) {
    this.#metrics = options.metrics
    this.#audit = options.audit
  }

  challenged(why: ChallengeReason): void {
    this.#metrics.counter('rollcall_bsf_challenges_total', { why }).add()
  }

  /** A UE has a key now. */
  bootstrapped(o: { readonly impi: string; readonly lifetimeSeconds: number; readonly traceparent: string }): void {
    this.#metrics.counter('rollcall_bsf_bootstraps_total').add()
    this.#audit({
      event: 'auth.success',
      outcome: 'allowed',
      reason: 'bootstrapped',
      identities: { impi: o.impi },
      detail: { interface: 'ub', lifetimeSeconds: o.lifetimeSeconds },
      traceparent: o.traceparent,
    })
  }

  /** A UE was refused. Who is known by name is audited, the rest is counted. */
  ubRefused(reason: UbRefusal, o: { readonly impi?: string; readonly traceparent?: string } = {}): void {
    this.#metrics.counter('rollcall_bsf_refused_total', { interface: 'ub', reason }).add()
    if (o.impi === undefined) return
    this.#audit({
      event: 'auth.failure',
      outcome: reason.endsWith('unavailable') ? 'failed' : 'refused',
      reason,
      identities: { impi: o.impi },
      detail: { interface: 'ub' },
      traceparent: o.traceparent,
    })
  }

  /** A NAF was told a key. */
  keyTold(o: {
    readonly impi: string
    readonly naf: string
    readonly uaProtocol: string
    /** Of the settings that were told with it. */
    readonly gsids: readonly number[]
    readonly traceparent: string
  }): void {
    this.#metrics.counter('rollcall_bsf_keys_total').add()
    const { naf, uaProtocol, traceparent } = o
    const gsids = o.gsids.join(' ')
    this.#audit({
      event: 'key.told',
      outcome: 'allowed',
      reason: 'own-naf',
      identities: { impi: o.impi },
      detail: { naf, uaProtocol, gsids },
      traceparent,
    })
  }

  znRefused(reason: ZnRefusal, o: { readonly naf: string; readonly peer: string; readonly traceparent: string }): void {
    this.#metrics.counter('rollcall_bsf_refused_total', { interface: 'zn', reason }).add()
    const { naf, peer, traceparent } = o
    const outcome = reason === 'store-unavailable' ? 'failed' : 'refused'
    this.#audit({ event: 'key.refused', outcome, reason, detail: { naf, peer }, traceparent })
  }
}
