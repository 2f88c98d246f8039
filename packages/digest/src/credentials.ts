import { formatDigestCredentials, isTokenEqual, parseDigestCredentials, SipSyntaxError } from '@rollcall/sip'
import type { DigestAlgorithm } from './algorithm.ts'
import { MalformedDigestError } from './errors.ts'
import type { Qop } from './response.ts'

/** The value of Authorization, as it came: what is absent is empty or undefined. */
export interface Credentials {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: string | undefined
  readonly qop: string | undefined
  readonly nc: string | undefined
  readonly cnonce: string | undefined
  readonly opaque: string | undefined
  /** The user name is a hash of the real one (RFC 7616 section 3.4.4); offered by nobody here. */
  readonly isUserHashed: boolean
}

/**
 * Reads the value of Authorization or Proxy-Authorization; nothing when it is of another scheme. HTTP and SIP write it alike.
 *
 * @throws MalformedDigestError
 * @see RFC 7616 section 3.4, RFC 8760 section 2
 */
export function parseCredentials(value: string): Credentials | undefined {
  if (!/^[ \t]*digest[ \t]/i.test(value)) return undefined
  try {
    const read = parseDigestCredentials(value)
    return {
      username: read.username,
      realm: read.realm,
      nonce: read.nonce,
      uri: read.uri,
      response: read.response,
      algorithm: read.algorithm,
      qop: read.qop,
      nc: read.nc,
      cnonce: read.cnonce,
      opaque: read.opaque,
      isUserHashed: isTokenEqual(read.params.get('userhash')?.value ?? '', 'true'),
    }
  } catch (error) {
    if (error instanceof SipSyntaxError) throw new MalformedDigestError('the credentials cannot be read')
    throw error
  }
}

/** The value of Authorization. */
export function formatCredentials(o: {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly algorithm: DigestAlgorithm
  readonly qop: Qop
  readonly nc: string
  readonly cnonce: string
  readonly opaque?: string | undefined
}): string {
  return formatDigestCredentials({ ...o, params: new Map() })
}
