import type { Impu } from '@rollcall/core'
import { SessionCase } from '@rollcall/proto-gen/cx'
import type { RefusalReason } from '../refusal.ts'
import { isBarred } from '../registrations/registration.ts'
import type { DirectoryEntry } from './directory.ts'
import type { Leg, Vouched } from './leg.ts'

export type TerminatingAdmission =
  | { readonly ok: true; readonly leg: Leg }
  | { readonly ok: false; readonly reason: RefusalReason }

/**
 * Whether a request may go to the user `impu`, and the leg for it: a barred identity is as good as none, a user who is
 * not registered and has no services for that state cannot be reached now.
 *
 * @see TS 24.229 clause 5.4.3.3
 */
export function admitTerminating(impu: Impu, entry: DirectoryEntry, vouched: Vouched): TerminatingAdmission {
  switch (entry.kind) {
    case 'registered': {
      const { profile, criteria, canonicalImpu } = entry.set
      if (isBarred(profile, impu)) return { ok: false, reason: 'target-barred' }
      const sessionCase = SessionCase.SESSION_CASE_TERMINATING_REGISTERED
      return { ok: true, leg: { sessionCase, servedUser: impu, canonicalImpu, criteria: criteria.criteria, vouched } }
    }
    case 'unregistered': {
      const { profile, criteria, canonicalImpu } = entry.user
      if (isBarred(profile, impu)) return { ok: false, reason: 'target-barred' }
      const sessionCase = SessionCase.SESSION_CASE_TERMINATING_UNREGISTERED
      return { ok: true, leg: { sessionCase, servedUser: impu, canonicalImpu, criteria: criteria.criteria, vouched } }
    }
    case 'unknown':
      return { ok: false, reason: 'target-unknown' }
    case 'no-services':
      return { ok: false, reason: 'target-unregistered' }
    case 'elsewhere':
      return { ok: false, reason: 'not-served-here' }
    case 'unavailable':
      return { ok: false, reason: 'hss-unavailable' }
  }
}
