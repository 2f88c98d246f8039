import { ListRegistrationsResponse, type Registration } from '@rollcall/proto-gen/admin'
import { parseNameAddr } from '@rollcall/sip'
import { liveContacts, type RegistrationSet, usableIdentities } from '../registrations/registration.ts'

/** A gRPC message holds 1 MiB: what does not fit is left out, for this is a look, not an export. */
const ANSWER_BYTES_MAX = 768 * 1024

/** Every contact that is bound now, as an operator may see it. */
export function listRegistrations(sets: Iterable<RegistrationSet>, nowMs: number): ListRegistrationsResponse {
  return upToBound(registrationsOf(sets, nowMs))
}

/** What several replicas have. */
export function mergeRegistrations(parts: readonly ListRegistrationsResponse[]): ListRegistrationsResponse {
  return upToBound(parts.flatMap(({ registrations }) => registrations))
}

function* registrationsOf(sets: Iterable<RegistrationSet>, nowMs: number): Iterable<Registration> {
  for (const set of sets) {
    for (const contact of liveContacts(set, nowMs)) {
      yield {
        canonicalImpu: set.canonicalImpu,
        impus: usableIdentities(set.profile),
        impi: contact.impi,
        contactUri: parseNameAddr(contact.value, 'Contact').uri,
        path: [...contact.path],
        expiresAtMs: BigInt(contact.expiresAtMs),
      }
    }
  }
}

function upToBound(all: Iterable<Registration>): ListRegistrationsResponse {
  const registrations: Registration[] = []
  let bytes = 0
  for (const registration of all) {
    bytes += ListRegistrationsResponse.encode({ registrations: [registration] }).finish().length
    if (bytes > ANSWER_BYTES_MAX) break
    registrations.push(registration)
  }
  return { registrations }
}
