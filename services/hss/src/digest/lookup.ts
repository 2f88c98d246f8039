import { InvalidIdentityError, parseImpi } from '@rollcall/core'
import { DigestAlgorithm, type LookupRequest, type LookupResponse } from '@rollcall/proto-gen/digest'
import type { HssContext } from '../context.ts'
import { DigestCredentialsUnknownError } from '../errors.ts'
import { privateUserOf, usableImpusOf } from '../subscribers/subscriber.ts'
import { splitHa1s } from './ha1.ts'

const WIRE_ALGORITHM = {
  MD5: DigestAlgorithm.DIGEST_ALGORITHM_MD5,
  'SHA-256': DigestAlgorithm.DIGEST_ALGORITHM_SHA_256,
  'SHA-512-256': DigestAlgorithm.DIGEST_ALGORITHM_SHA_512_256,
} as const

/**
 * What an authentication proxy or a Presence Server needs to check a provisioned password: the hashes for its realm, and
 * who the user is.
 *
 * @throws DigestCredentialsUnknownError whether the user is unknown or has no password in this realm.
 * @see RFC 7616 section 3.4.2, RFC 8760 section 2, TS 33.141 clause 5.1.4
 */
export async function lookupCredentials(context: HssContext, request: LookupRequest): Promise<LookupResponse> {
  const found = await find(context, request)
  if (!found) {
    context.events.refused('digest-unknown')
    throw new DigestCredentialsUnknownError()
  }
  const { impi, subscriber, ha1 } = found
  return {
    impi,
    impus: usableImpusOf(subscriber),
    canonicalImpu: subscriber.serviceProfile.canonicalImpu,
    ha1: splitHa1s(ha1).map(({ algorithm, value }) => ({ algorithm: WIRE_ALGORITHM[algorithm], value })),
  }
}

async function find({ repository }: HssContext, { username, realm }: LookupRequest) {
  try {
    const impi = parseImpi(username)
    const subscriber = await repository.findByImpi(impi)
    const user = subscriber && privateUserOf(subscriber, impi)
    const ha1 = user && repository.ha1Of(subscriber, user, realm)
    return ha1 && { impi, subscriber, ha1 }
  } catch (error) {
    if (error instanceof InvalidIdentityError) return undefined
    throw error
  }
}
