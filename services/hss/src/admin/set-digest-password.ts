import { parseImpi, Secret } from '@rollcall/core'
import type { SetDigestPasswordRequest, SetDigestPasswordResponse } from '@rollcall/proto-gen/admin'
import type { HssContext } from '../context.ts'
import { ha1sOf } from '../digest/ha1.ts'
import { SubscriberInvalidError, SubscriberUnknownError } from '../errors.ts'
import { Problems } from './problems.ts'

/** `Choice:` below it a password is guessed too soon by who has seen one answer. */
const PASSWORD_OCTETS_MIN = 8
const PASSWORD_OCTETS_MAX = 256
const REALM = /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,253}$/

/**
 * Gives a private identity a password for HTTP and SIP Digest in one realm, or takes it away when the password is empty.
 * What is kept are its hashes with name and realm, sealed.
 *
 * @throws SubscriberInvalidError with every problem; InvalidIdentityError; SubscriberUnknownError; TooManyPasswordsError.
 * @see RFC 7616 section 3.4.2, RFC 8760 section 2
 */
export async function setDigestPassword(
  context: HssContext,
  { impi: impiText, realm, password }: SetDigestPasswordRequest,
): Promise<SetDigestPasswordResponse> {
  const impi = parseImpi(impiText)
  const problems = new Problems()
  problems.require(REALM.test(realm), 'realm', 'must be 1 to 253 printable characters without quotes and backslashes')
  const isLong = password.length >= PASSWORD_OCTETS_MIN && password.length <= PASSWORD_OCTETS_MAX
  const bounds = `must have ${PASSWORD_OCTETS_MIN} to ${PASSWORD_OCTETS_MAX} octets, or none to take it away`
  problems.require(password.length === 0 || isLong, 'password', bounds)
  if (problems.found.length > 0) {
    context.events.refused('subscriber-invalid')
    context.events.credentialsChanged('refused', 'invalid', impi)
    throw new SubscriberInvalidError(problems.found)
  }
  const ha1 = password.length === 0 ? undefined : ha1sOf({ username: impi, realm, password: new Secret(password) })
  password.fill(0)
  const user = await context.repository.setDigestPassword(impi, realm, ha1)
  if (!user) {
    context.events.refused('subscriber-unknown')
    context.events.credentialsChanged('refused', 'unknown', impi)
    throw new SubscriberUnknownError()
  }
  context.events.credentialsChanged('allowed', ha1 ? 'password-set' : 'password-removed', impi)
  return { realms: user.digestPasswords.map((one) => one.realm) }
}
