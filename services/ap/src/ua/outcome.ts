import type { RightProof } from '@rollcall/digest'
import type { CertificateRefusal } from './client-certificate.ts'
import type { User } from './user.ts'

/** Why a UE was not let in; a label. */
export type UaRefusal =
  | CertificateRefusal
  | 'no-credentials'
  | 'malformed'
  | 'wrong-realm'
  | 'wrong-uri'
  | 'stale-nonce'
  | 'replayed'
  | 'wrong-response'
  | 'too-many-tries'
  | 'key-unknown'
  | 'user-unknown'
  | 'key-expired'
  | 'naf-denied'
  | 'no-identity'
  | 'lookup-unavailable'

/** What came of looking at a request's proof. */
export type UaOutcome =
  | { readonly kind: 'user'; readonly user: User; readonly proof: RightProof | undefined }
  /** 401: bootstrapping is required, or a new one, or (stale) another nonce. */
  | { readonly kind: 'challenge'; readonly reason: UaRefusal; readonly isStale: boolean; readonly closes?: boolean }
  | {
      readonly kind: 'refused'
      readonly reason: UaRefusal
      readonly status: 400 | 403 | 503
      readonly closes?: boolean
    }

/** A UE that has to prove itself, or to do it anew. */
export function challenge(reason: UaRefusal, isStale = false): UaOutcome {
  return { kind: 'challenge', reason, isStale }
}

export function refuse(reason: UaRefusal, status: 400 | 403 | 503): UaOutcome {
  return { kind: 'refused', reason, status }
}
