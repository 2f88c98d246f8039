import { type Impi, type Impu, parseImpi, parseImpu, RollcallError } from '@rollcall/core'
import { SessionCase } from '@rollcall/proto-gen/cx'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import type { RefusalReason } from '../refusal.ts'
import { isBarred, liveContacts, type RegistrationSet, usableIdentities } from '../registrations/registration.ts'
import type { Leg } from './leg.ts'

export type Admission =
  | { readonly ok: true; readonly leg: Leg }
  | { readonly ok: false; readonly reason: RefusalReason }

/**
 * Whether the user whom the P-CSCF asserts may originate a request, and the leg for it. The served user comes from the
 * envelope, never from a header: the first asserted identity. It must be registered by the very private identity that
 * the security association is bound to, and not be barred. `Choice:` another vendor's P-CSCF has no envelope to say the
 * private identity in; of such a one, which is of the trust domain, any contact of the set is taken.
 *
 * A sip: identity brings along the first tel: one of its set, so that the called side may tell the number
 * (TS 24.229 clause 5.4.3.2).
 */
export function admitOriginating(
  envelope: Envelope,
  findByImpu: (impu: Impu) => RegistrationSet | undefined,
  nowMs: number,
): Admission {
  const asserted = parseAll(envelope.assertedIdentities)
  const isVendors = envelope.impi === '' && envelope.accessSecurity === AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN
  const impi = isVendors ? ANY_IMPI : parse(() => parseImpi(envelope.impi))
  const servedUser = asserted?.[0]
  if (!asserted || servedUser === undefined || impi === undefined) return { ok: false, reason: 'no-served-user' }
  const set = findByImpu(servedUser)
  if (!set || !isRegisteredBy(set, impi, nowMs)) return { ok: false, reason: 'not-registered' }
  if (asserted.some((impu) => findByImpu(impu) !== set)) return { ok: false, reason: 'no-served-user' }
  if (asserted.some((impu) => isBarred(set.profile, impu))) return { ok: false, reason: 'served-user-barred' }
  return {
    ok: true,
    leg: {
      sessionCase: SessionCase.SESSION_CASE_ORIGINATING,
      servedUser,
      canonicalImpu: set.canonicalImpu,
      criteria: set.criteria.criteria,
      vouched: {
        accessSecurity: envelope.accessSecurity,
        impi: '',
        assertedIdentities: withTelephoneNumber(asserted, set),
      },
    },
  }
}

/** Whom the P-CSCF asserts first: the served user, whose registration set decides. */
export function servedUserOf(envelope: Envelope): Impu | undefined {
  return parseAll(envelope.assertedIdentities.slice(0, 1))?.[0]
}

const ANY_IMPI = Symbol('any')

function isRegisteredBy(set: RegistrationSet, impi: Impi | typeof ANY_IMPI, nowMs: number): boolean {
  return liveContacts(set, nowMs).some((contact) => impi === ANY_IMPI || contact.impi === impi)
}

function withTelephoneNumber(asserted: readonly Impu[], set: RegistrationSet): Impu[] {
  const isTel = (impu: Impu): boolean => impu.startsWith('tel:')
  const number = asserted.some(isTel) ? undefined : usableIdentities(set.profile).find(isTel)
  return number === undefined ? [...asserted] : [...asserted, number]
}

function parseAll(texts: readonly string[]): Impu[] | undefined {
  return parse(() => texts.map((text) => parseImpu(text)))
}

function parse<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof RollcallError) return undefined
    throw error
  }
}
