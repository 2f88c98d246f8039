import type { PresencePolicy } from '@rollcall/policy'
import type { Documents } from './documents.ts'

/**
 * The policy that holds for a presentity. `Choice:` what the operator provisioned stands until the user puts a rules
 * document; from then on that document alone counts, and what it does not allow is blocked (RFC 5025 section 3.2.1).
 */
export function policyOf(
  { documents }: { readonly documents: Pick<Documents, 'rules'> | undefined },
  provisioned: PresencePolicy,
): PresencePolicy {
  // guard: rules-before-provisioned — what the operator let in once is not let in past the user's own rules
  return documents?.rules ?? provisioned
}
