import type { IdentityHash } from './identity-hash.ts'
import { auditLog, type Logger } from './log.ts'
import type { Metrics } from './metrics.ts'
import type { AuditEventName } from './names.ts'

/** One decision about authentication or authorization: enough to answer "why did Bob see this?". */
export interface AuditEvent {
  readonly event: AuditEventName
  readonly outcome: 'allowed' | 'refused' | 'failed'
  /** Few values: it is a label. `wrong-res`, `not-in-allow-list`. */
  readonly reason?: string
  /** Identities as they are; they are hashed before they are written. */
  readonly identities?: Readonly<Partial<Record<AuditIdentity, string | undefined>>>
  /** What may be told as it is: a method, an rpc, a peer's SPIFFE ID. Never an identity or a secret. */
  readonly detail?: Readonly<Record<string, string | number | boolean | undefined>>
  /** The trace that it happened in. */
  readonly traceparent?: string | undefined
}

export type AuditIdentity = 'impi' | 'impu' | 'watcher' | 'presentity' | 'subscription'

export type Audit = (event: AuditEvent) => void

/** Makes the one door for audit events: a log line with `audit: true`, and a count. */
export function createAudit(o: { log: Logger; metrics: Metrics; hash: IdentityHash }): Audit {
  const log = auditLog(o.log)
  return (event) => {
    const reason = event.reason ?? 'none'
    o.metrics.counter('rollcall_audit_events_total', { event: event.event, outcome: event.outcome, reason }).add()
    const hashed: Record<string, string> = {}
    for (const [kind, identity] of Object.entries(event.identities ?? {})) {
      // guard: audit-hashes — an audit trail names nobody
      if (identity) hashed[`${kind}_hash`] = o.hash(identity)
    }
    log.info(
      {
        event: event.event,
        outcome: event.outcome,
        reason,
        ...hashed,
        ...event.detail,
        ...(event.traceparent ? { traceparent: event.traceparent } : {}),
      },
      'audit',
    )
  }
}
