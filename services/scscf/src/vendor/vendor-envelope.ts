import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { parseDigestCredentials, type SipRequest, SipSyntaxError } from '@rollcall/sip'
import type { NodePeer } from '@rollcall/sip-node'

/**
 * What the envelope of a REGISTER says that a P-CSCF of another vendor has sent on: it was protected on its access leg
 * when the P-CSCF has marked it so, and the private identity is then the one of the security association, for which
 * the P-CSCF vouches. Any other request is vouched for by its P-Asserted-Identity alone.
 *
 * @see TS 24.229 clause 5.2.2.2 (`integrity-protected`)
 */
export function vendorEnvelope(request: SipRequest, { role }: Pick<NodePeer, 'role'>): Partial<Envelope> {
  if (request.method !== 'REGISTER' || role !== 'pcscf') return {}
  const credentials = digestOf(request)
  if (credentials?.integrityProtected?.toLowerCase() !== 'yes') {
    return { accessSecurity: AccessSecurity.ACCESS_SECURITY_NONE }
  }
  return { accessSecurity: AccessSecurity.ACCESS_SECURITY_IPSEC_3GPP, impi: credentials.username }
}

/** The Digest credentials, if there are some that can be read; what cannot be is refused where REGISTER is read. */
function digestOf(request: SipRequest): ReturnType<typeof parseDigestCredentials> | undefined {
  const value = request.headers.getAll('Authorization').find((line) => /^digest\s/i.test(line))
  try {
    return value === undefined ? undefined : parseDigestCredentials(value)
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}
