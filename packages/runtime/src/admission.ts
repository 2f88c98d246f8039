import type { Audit } from './audit.ts'
import { PeerIdentityError } from './errors.ts'
import type { Metrics } from './metrics.ts'
import { mayCall } from './role-table.ts'
import type { Role } from './roles.ts'
import { type CertifiedPeer, type Peer, parsePeer } from './spiffe.ts'

/** What a gRPC call knows of its connection. */
interface AuthenticatedCall {
  getAuthContext(): { readonly sslPeerCertificate?: { readonly subjectaltname?: string; readonly valid_to: string } }
}

/** A peer that was let in, and until when its certificate speaks for it. */
export interface AdmittedPeer extends CertifiedPeer {
  readonly notAfterMs: number
}

/** A peer that was not. `reason` is a label. */
export interface Refusal {
  readonly refused: true
  readonly reason: string
}

/**
 * Looks at each call before its handler does: who is it by its certificate, and may it call this? Each refusal is counted
 * and audited.
 */
export class Admission {
  readonly #trustDomain: string
  readonly #metrics: Metrics
  readonly #audit: Audit

  constructor(o: { trustDomain: string; metrics: Metrics; audit: Audit }) {
    this.#trustDomain = o.trustDomain
    this.#metrics = o.metrics
    this.#audit = o.audit
  }

  /** Admits the caller of the rpc `path`, or says why not. */
  admit(path: string, call: AuthenticatedCall): AdmittedPeer | Refusal {
    const certificate = call.getAuthContext().sslPeerCertificate
    let peer: CertifiedPeer
    try {
      peer = parsePeer(certificate && (certificate.subjectaltname ?? ''), this.#trustDomain)
    } catch (error) {
      if (!(error instanceof PeerIdentityError)) throw error
      return this.refuse(path, undefined, error.reason)
    }
    // guard: rpc-role — a call is for the roles of its line in the table
    if (!mayCall(path, peer.role)) return this.refuse(path, peer, 'role')
    return { ...peer, notAfterMs: Date.parse(certificate?.valid_to ?? '') }
  }

  /** Counts and audits a refusal that was found elsewhere, and gives it back. */
  refuse(path: string, peer: Peer | undefined, reason: string): Refusal {
    const role: Role | 'none' = peer?.role ?? 'none'
    this.#metrics.counter('rollcall_rpc_denied_total', { rpc: path.slice(1), role, reason }).add()
    this.#audit({
      event: path.startsWith('/rollcall.hop.') ? 'hop.denied' : 'rpc.denied',
      outcome: 'refused',
      reason,
      detail: { rpc: path.slice(1), peer: peer?.spiffeId ?? 'none' },
    })
    return { refused: true, reason }
  }
}
