import type { TLSSocket } from 'node:tls'
import { alternativeNames } from '@rollcall/runtime'
import { identitiesOf } from '../zn/naf-keys.ts'
import type { User } from './user.ts'

/** Why a certificate that a UE has shown is not taken; a label. */
export type CertificateRefusal =
  /** No authority of UEs issued it, or its time is over. */
  | 'certificate-foreign'
  | 'certificate-revoked'
  /** Its authority's revocation list has ended, or is not there: whether it was revoked cannot be known. */
  | 'certificate-crl-ended'
  /** It names no identity. */
  | 'certificate-nobody'
  /** Authorities or revocation lists have changed since it was shown. */
  | 'certificate-outdated'

/** What a UE has shown of a certificate when its connection began. */
export type ShownCertificate =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'user'
      readonly user: User
      /** When the certificate ends. */
      readonly untilMs: number
    }
  | { readonly kind: 'refused'; readonly reason: CertificateRefusal }

/** What TLS says where a revocation list is not there or not of use. */
const CRL_FAULT = /CRL/

/**
 * The user whose certificate a connection has shown, if an authority of UEs issued it. `Choice:` who he is stands in
 * its alternative names, as `sip:` and `tel:` URIs.
 *
 * @see TS 33.222 clause 5.5, TS 24.109 clause 5.3.4, TS 33.141 clause 5.1.4
 */
export function shownCertificate(socket: TLSSocket): ShownCertificate {
  const certificate = socket.getPeerX509Certificate()
  if (certificate === undefined) return { kind: 'none' }
  // guard: ue-certificate — a certificate that no authority of UEs issued, or that it has revoked, proves nothing
  if (!socket.authorized) return { kind: 'refused', reason: reasonOf(String(socket.authorizationError)) }
  const names = alternativeNames(socket.getPeerCertificate().subjectaltname ?? '')
  const identities = identitiesOf(names.filter(({ kind }) => kind === 'URI').map(({ value }) => value))
  if (identities.length === 0) return { kind: 'refused', reason: 'certificate-nobody' }
  const user = { means: 'client-certificate', identities, impi: undefined, flags: [] } as const
  return { kind: 'user', user, untilMs: certificate.validToDate.getTime() }
}

function reasonOf(error: string): CertificateRefusal {
  if (error.includes('CERT_REVOKED')) return 'certificate-revoked'
  return CRL_FAULT.test(error) ? 'certificate-crl-ended' : 'certificate-foreign'
}
