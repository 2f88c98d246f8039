import { sameSipUri } from '@rollcall/sip'
import type { RegisterRequest } from '../registrar/register-request.ts'
import { type Contact, contactKey, type RegistrationSet } from './registration.ts'

/** The contacts that a REGISTER binds: those of its Contact values that do not end with it. */
export function requestedContacts(
  request: RegisterRequest,
  options: {
    readonly nowMs: number
    readonly expiresSecondsMax: number
    readonly isKnown: (key: string) => boolean
  },
): Contact[] {
  const { nowMs, expiresSecondsMax, isKnown } = options
  const { contact, impi } = request
  if (contact.kind !== 'some') return []
  const { instance, bindings } = contact
  return bindings
    .map((binding) => ({ ...binding, seconds: binding.expiresSeconds ?? request.expiresSeconds ?? expiresSecondsMax }))
    .filter(({ seconds }) => seconds !== 0)
    .map(({ uri, value, seconds }) => ({
      impi,
      instance,
      uri,
      value,
      path: request.path,
      registeredImpu: request.impu,
      callId: request.callId,
      cseq: request.cseq,
      expiresAtMs: nowMs + Math.min(seconds, expiresSecondsMax) * 1_000,
      sourceAddress: request.source.host,
      state: isKnown(contactKey({ impi, instance, uri })) ? 'refreshed' : 'registered',
    }))
}

/**
 * The contacts that a de-registration ends: of its private identity alone. Choice: an instance that names none of the
 * URIs that it has bound ends all of them, for it has forgotten them.
 */
export function contactsToEnd(set: RegistrationSet, { impi, contact }: RegisterRequest): Contact[] {
  const own = [...set.contacts.values()].filter((bound) => bound.impi === impi)
  if (contact.kind === 'all') return own
  const ofInstance = own.filter(({ instance }) => instance === contact.instance)
  const named = ofInstance.filter(({ uri }) => contact.bindings.some((binding) => sameSipUri(binding.uri, uri)))
  return named.length > 0 ? named : ofInstance
}
