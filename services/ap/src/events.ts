import { type Audit, type AuditIdentity, flatLog, type Logger, type Metrics, type Runtime } from '@rollcall/runtime'
import type { UaRefusal } from './ua/outcome.ts'
import type { User } from './ua/user.ts'

/** What was refused, in few words: the label of `rollcall_ap_refused_total`. */
export type Refusal =
  | UaRefusal
  | 'misdirected'
  | 'method'
  | 'target-malformed'
  | 'target-traversal'
  | 'target-outside'
  | 'intended-malformed'
  | 'intended-foreign'

/** Refusals that say something of a person who should not be there; the rest is a UE at the beginning of its exchange. */
const AUDITED: ReadonlySet<Refusal> = new Set<Refusal>([
  'wrong-response',
  'wrong-uri',
  'replayed',
  'too-many-tries',
  'user-unknown',
  'naf-denied',
  'no-identity',
  'certificate-foreign',
  'certificate-revoked',
  'certificate-crl-ended',
  'certificate-nobody',
])

/** `Choice:` what changes documents is audited with who was asserted; reading is in the access log alone. */
const CHANGING: ReadonlySet<string> = new Set(['PUT', 'DELETE'])

/** The one place where the proxy tells what it decided. Identities are hashed; a B-TID, a proof or a key is never told. */
export class ApEvents {
  readonly #metrics: Metrics
  readonly #audit: Audit
  readonly #access: Logger
  readonly #hash: (identity: string) => string

  constructor({ metrics, audit, log, hashIdentity }: Pick<Runtime, 'metrics' | 'audit' | 'log' | 'hashIdentity'>) {
    this.#metrics = metrics
    this.#audit = audit
    this.#access = flatLog(log)
    this.#hash = hashIdentity
  }

  refused(reason: Refusal, naf: string | undefined, traceparent: string): void {
    this.#metrics.counter('rollcall_ap_refused_total', { reason }).add()
    if (!AUDITED.has(reason)) return
    this.#audit({ event: 'auth.failure', outcome: 'refused', reason, detail: { naf }, traceparent })
  }

  /** A user wanted to be somebody else. */
  identityRefused(reason: 'malformed' | 'foreign', user: User, naf: string, traceparent: string): void {
    this.#metrics.counter('rollcall_ap_refused_total', { reason: `intended-${reason}` }).add()
    const detail = { naf, means: user.means }
    const word = `intended-${reason}`
    this.#audit({
      event: 'identity.refused',
      outcome: 'refused',
      reason: word,
      identities: namesOf(user),
      detail,
      traceparent,
    })
  }

  /** A request was answered on behalf of a user: the access log. */
  served(o: {
    readonly user: User
    readonly naf: string
    readonly method: string
    readonly auid: string
    readonly status: number
    readonly ms: number
    readonly traceparent: string
  }): void {
    const { user, naf, method, auid, status } = o
    if (CHANGING.has(method)) {
      const detail = { naf, method, auid, status }
      const { traceparent } = o
      this.#audit({
        event: 'identity.asserted',
        outcome: 'allowed',
        reason: user.means,
        identities: namesOf(user),
        detail,
        traceparent,
      })
    }
    this.#metrics.counter('rollcall_ap_requests_total', { means: user.means, status: String(status) }).add()
    if (!this.#access.isLevelEnabled('info')) return
    const hashed: Record<string, string> = {}
    for (const [kind, identity] of Object.entries(namesOf(user))) {
      if (identity !== undefined) hashed[`${kind}_hash`] = this.#hash(identity)
    }
    this.#access.info(
      { access: true, naf, means: user.means, method, auid, status, ms: Math.round(o.ms), ...hashed },
      'access',
    )
  }

  /** A PSK handshake ended. */
  handshake(outcome: 'key' | 'refused' | 'no-key'): void {
    this.#metrics.counter('rollcall_ap_psk_handshakes_total', { outcome }).add()
    // A B-TID of somebody, and not his key.
    if (outcome === 'refused') this.#audit({ event: 'auth.failure', outcome: 'refused', reason: 'wrong-psk' })
  }
}

function namesOf({ impi, identities }: User): Partial<Record<AuditIdentity, string | undefined>> {
  return { impi, impu: identities[0] }
}
