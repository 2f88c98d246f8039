import {
  parseSecurityMechanisms,
  type SecurityMechanism,
  type SipRequest,
  SipSyntaxError,
  sameMechanisms,
} from '@rollcall/sip'
import type { SecAgreeRefusal } from './refusal.ts'

/** What the challenge was agreed on. */
export interface Agreed {
  /** As it came in SM1. */
  readonly securityClient: readonly SecurityMechanism[]
  /** As it went out in SM6, and the header's text. */
  readonly securityServer: readonly SecurityMechanism[]
  readonly securityServerText: string
}

/**
 * Whether SM7 repeats what was agreed: a Security-Verify that differs shows that SM6 was changed on its way, a
 * Security-Client that differs, SM1. `mismatchStatus` is the answer to either.
 *
 * @see TS 33.203 clause 7.2; RFC 3329 section 2.3.1
 */
export function checkSecurityVerify(
  request: SipRequest,
  agreed: Agreed,
  mismatchStatus: number,
): { readonly ok: true } | SecAgreeRefusal {
  const repeated = read(request, 'Security-Client')
  const mirrored = read(request, 'Security-Verify')
  if (!repeated) return missing('security-client-missing')
  if (!mirrored) return missing('security-verify-missing')
  // guard: security-client — what the UE offered is what came, or somebody changed it
  if (!sameMechanisms(repeated, agreed.securityClient)) return mismatch('security-client-mismatch')
  // guard: security-verify — what the UE mirrors is what we offered, or somebody changed it (RFC 3329 section 2.3.1)
  if (!sameMechanisms(mirrored, agreed.securityServer)) return mismatch('security-verify-mismatch')
  return { ok: true }

  function mismatch(reason: string): SecAgreeRefusal {
    const headers = mismatchStatus === 494 ? ([['Security-Server', agreed.securityServerText]] as const) : []
    return { ok: false, status: mismatchStatus, reason, headers }
  }
}

function missing(reason: string): SecAgreeRefusal {
  return { ok: false, status: 400, reason, headers: [] }
}

/** What does not parse is not what was agreed: it counts as missing. */
function read(request: SipRequest, header: string): SecurityMechanism[] | undefined {
  if (!request.headers.has(header)) return undefined
  try {
    return parseSecurityMechanisms(request.headers.getAll(header))
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}
