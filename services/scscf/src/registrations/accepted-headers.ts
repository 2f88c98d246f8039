import { bracketed } from '../session/routes.ts'
import { type Contact, contactKey, liveContacts, type RegistrationSet, usableIdentities } from './registration.ts'

/**
 * The header fields of the 200 to a REGISTER: every contact of the set with what is left of its time, the registering
 * ones first; its Path as it came; our Service-Route; and the identities that may be used, the default one first.
 *
 * @see TS 24.229 clause 5.4.1.2.2F, RFC 3261 section 10.3 step 8
 */
export function acceptedHeaders(
  set: RegistrationSet,
  own: readonly Contact[],
  options: { readonly nowMs: number; readonly serviceRoute: string },
): (readonly [name: string, value: string])[] {
  const { nowMs, serviceRoute } = options
  const ownKeys = new Set(own.map(contactKey))
  const others = liveContacts(set, nowMs).filter((contact) => !ownKeys.has(contactKey(contact)))
  return [
    ...contactHeaders([...own, ...others], nowMs),
    ...(own[0]?.path ?? []).map((value) => ['Path', value] as const),
    ['Service-Route', serviceRoute],
    ['P-Associated-URI', usableIdentities(set.profile).map(bracketed).join(', ')],
  ]
}

/** The header fields of the 200 to a de-registration: what is still bound of the set. */
export function endedHeaders(
  set: RegistrationSet | undefined,
  nowMs: number,
): (readonly [name: string, value: string])[] {
  return set ? contactHeaders(liveContacts(set, nowMs), nowMs) : []
}

function contactHeaders(contacts: readonly Contact[], nowMs: number): (readonly [name: string, value: string])[] {
  return contacts.map(({ value, expiresAtMs }) => {
    // Rounded up: what was granted this instant is told whole.
    const seconds = Math.ceil((expiresAtMs - nowMs) / 1_000)
    return ['Contact', `${value};expires=${seconds}`] as const
  })
}
