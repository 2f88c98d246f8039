import { isMediaSecurity, type SecurityMechanism } from '@rollcall/sip'

/**
 * The mechanisms without those of the media plane, which take no part in the agreement about signalling.
 *
 * @see TS 24.229 clause 7.2A.7
 */
export function signallingOnly(mechanisms: readonly SecurityMechanism[]): readonly SecurityMechanism[] {
  return mechanisms.filter((mechanism) => !isMediaSecurity(mechanism))
}
