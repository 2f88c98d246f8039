import {
  parseSecurityMechanisms,
  type SecurityMechanism,
  type SipRequest,
  SipSyntaxError,
  sameMechanisms,
} from '@rollcall/sip'
import type { SecAgreePolicy, VerifyComparison } from './policy.ts'
import type { SecAgreeRefusal } from './refusal.ts'
import { signallingOnly } from './signalling-only.ts'

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
 * Security-Client that differs, SM1. Both are compared with what this very UE sent and got.
 *
 * @see TS 33.203 clause 7.2; RFC 3329 section 2.3.1
 */
export function checkSecurityVerify(
  request: SipRequest,
  agreed: Agreed,
  policy: Pick<SecAgreePolicy, 'mismatchStatus' | 'verify'>,
): { readonly ok: true } | SecAgreeRefusal {
  const { mismatchStatus, verify } = policy
  const repeated = read(request, 'Security-Client')
  const mirrored = read(request, 'Security-Verify')
  if (!repeated) return missing('security-client-missing')
  if (!mirrored) return missing('security-verify-missing')
  // guard: security-client — what the UE offered is what came, or somebody changed it
  if (!sameMechanisms(repeated, agreed.securityClient)) return mismatch('security-client-mismatch')
  // guard: security-verify — what the UE mirrors is what we offered, or somebody changed it (RFC 3329 section 2.3.1)
  if (!isMirrored(mirrored, agreed.securityServer, verify)) return mismatch('security-verify-mismatch')
  return { ok: true }

  function mismatch(reason: string): SecAgreeRefusal {
    const headers = mismatchStatus === 494 ? ([['Security-Server', agreed.securityServerText]] as const) : []
    return { ok: false, status: mismatchStatus, reason, headers }
  }
}

/**
 * Whether the Security-Verify of a request in an established set, if there is one, mirrors the Security-Server that the
 * set was made with. The text asks for no comparison there, so a difference is told and nothing more.
 *
 * @see TS 24.229 clause 5.2.2.2 item 3b
 */
export function mirrorsSet(request: SipRequest, securityServerText: string): boolean {
  const lines = request.headers.getAll('Security-Verify')
  // UEs mostly mirror octet for octet.
  if (lines.length === 0 || lines.join(', ') === securityServerText) return true
  const mirrored = read(request, 'Security-Verify')
  return mirrored !== undefined && isMirrored(mirrored, parseSecurityMechanisms([securityServerText]), 'tolerant')
}

/**
 * `tolerant` takes a default for what is not written, `exact` wants every parameter that was sent and no other,
 * `without-q` lets the ranks go, since they choose nothing at that point.
 */
function isMirrored(
  mirrored: readonly SecurityMechanism[],
  sent: readonly SecurityMechanism[],
  comparison: VerifyComparison,
): boolean {
  switch (comparison) {
    case 'without-q':
      return sameMechanisms(mirrored.map(withoutRank), sent.map(withoutRank))
    case 'exact':
      return sameMechanisms(mirrored, sent) && mirrored.every(({ params }, at) => params.size === sent[at]?.params.size)
    case 'tolerant':
      return sameMechanisms(mirrored, sent)
  }
}

function withoutRank({ name, params }: SecurityMechanism): SecurityMechanism {
  const kept = new Map(params)
  kept.delete('q')
  return { name, params: kept }
}

function missing(reason: string): SecAgreeRefusal {
  return { ok: false, status: 400, reason, headers: [] }
}

/** What does not parse is not what was agreed: it counts as missing. */
function read(request: SipRequest, header: string): readonly SecurityMechanism[] | undefined {
  if (!request.headers.has(header)) return undefined
  try {
    return signallingOnly(parseSecurityMechanisms(request.headers.getAll(header)))
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}
