import { RegistrationType, SessionCase } from '@rollcall/proto-gen/cx'
import type { SipRequest } from '@rollcall/sip'
import { allMatches, type FilterCriterion } from '../ifc/filter-criteria.ts'
import type { Contact, RegistrationSet } from '../registrations/registration.ts'
import { factsOf } from '../session/leg.ts'

/** What happened to a registration, as filter criteria tell it apart. */
export type RegistrationKind = 'initial' | 're-registration' | 'de-registration'

const TYPES = {
  initial: RegistrationType.REGISTRATION_TYPE_INITIAL,
  're-registration': RegistrationType.REGISTRATION_TYPE_RE_REGISTRATION,
  'de-registration': RegistrationType.REGISTRATION_TYPE_DE_REGISTRATION,
} as const satisfies Record<RegistrationKind, RegistrationType>

/**
 * The criteria whose application servers hear of it. A REGISTER counts as a request of a registered user who originates.
 * Choice: where there was no REGISTER (the network ended it, time ran out, a replica took over) the criteria look at what
 * one would have had at least.
 *
 * @see TS 24.229 clause 5.4.1.7, TS 29.228 annex B.2.3
 */
export function criteriaMet(
  { criteria }: Pick<RegistrationSet, 'criteria'>,
  contact: Pick<Contact, 'registeredImpu'>,
  o: { readonly kinds: readonly RegistrationKind[]; readonly sip: SipRequest | undefined; readonly realm: string },
): FilterCriterion[] {
  const { kinds, sip, realm } = o
  const met = new Set<FilterCriterion>()
  for (const kind of kinds) {
    const facts = sip
      ? factsOf(sip, SessionCase.SESSION_CASE_ORIGINATING)
      : {
          method: 'REGISTER',
          requestUri: `sip:${realm}`,
          sessionCase: SessionCase.SESSION_CASE_ORIGINATING,
          headers: [
            ['From', `<${contact.registeredImpu}>`],
            ['To', `<${contact.registeredImpu}>`],
          ] as const,
        }
    const matches = allMatches(criteria.criteria, { ...facts, registrationType: TYPES[kind] })
    for (const criterion of matches) met.add(criterion)
  }
  return criteria.criteria.filter((criterion) => met.has(criterion))
}
