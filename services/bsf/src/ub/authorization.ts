import { decodeAuts, InvalidAutsError } from '@rollcall/aka'
import { type Impi, InvalidIdentityError, parseImpi } from '@rollcall/core'
import { isTmpi } from '@rollcall/gba'
import { parseDigestCredentials, SipSyntaxError } from '@rollcall/sip'

/** The digest of an answer, as it came: nothing of it is proved. */
export interface AnswerDigest {
  readonly username: string
  readonly realm: string
  readonly nonce: string
  readonly uri: string
  readonly response: string
  readonly qop: 'auth-int'
  readonly nc: string
  readonly cnonce: string
}

/** Who a UE says that it is. */
export type UbUser = { readonly kind: 'impi'; readonly impi: Impi } | { readonly kind: 'tmpi'; readonly tmpi: string }

/** What a UE says in Authorization. */
export type UbAuthorization =
  /** It only names itself. */
  | { readonly kind: 'first'; readonly user: UbUser }
  /** It answers a challenge. */
  | { readonly kind: 'answer'; readonly user: UbUser; readonly digest: AnswerDigest }
  /** It refuses a challenge whose sequence number is out of its range. */
  | { readonly kind: 'resync'; readonly user: UbUser; readonly nonce: string; readonly auts: Buffer }
  /** It cannot be read, or asks for less than the profile. */
  | { readonly kind: 'refused'; readonly reason: 'malformed' | 'not-protected' }

const MALFORMED = { kind: 'refused', reason: 'malformed' } as const

/**
 * Reads the Authorization of a request on Ub. Fields are taken by name in any order; the first request has no nonce, or an
 * empty one, and no response.
 *
 * @see TS 24.109 clause 4.2 and annex A, RFC 3310 sections 3.3 and 3.4
 */
export function readAuthorization(value: string | undefined, target: string): UbAuthorization {
  if (value === undefined) return MALFORMED
  try {
    const read = parseDigestCredentials(value)
    const user = userOf(read.username)
    if (read.nonce === '') return { kind: 'first', user }
    if (read.auts !== undefined) return { kind: 'resync', user, nonce: read.nonce, auts: decodeAuts(read.auts) }
    if (read.response === '') return { kind: 'first', user }
    const { username, realm, nonce, uri, response, qop, nc, cnonce, algorithm } = read
    // guard: bsf-auth-int — an answer that leaves out the body is no answer of this profile
    if (qop !== 'auth-int') return { kind: 'refused', reason: 'not-protected' }
    if (algorithm !== undefined && algorithm.toLowerCase() !== 'akav1-md5') return MALFORMED
    // guard: bsf-uri — an answer counts for what it was made for
    if (uri !== target) return MALFORMED
    if (nc === undefined || !/^[0-9a-f]{8}$/i.test(nc) || cnonce === undefined || cnonce === '') return MALFORMED
    if (!/^[0-9a-f]{32}$/i.test(response)) return MALFORMED
    const digest = { username, realm, nonce, uri, response: response.toLowerCase(), qop, nc, cnonce } as const
    return { kind: 'answer', user, digest }
  } catch (error) {
    const isTheirs =
      error instanceof SipSyntaxError || error instanceof InvalidIdentityError || error instanceof InvalidAutsError
    if (isTheirs) return MALFORMED
    throw error
  }
}

/** A TMPI is told by its domain and never taken for an IMPI (TS 33.220 annex B.4). */
function userOf(username: string): UbUser {
  return isTmpi(username) ? { kind: 'tmpi', tmpi: username } : { kind: 'impi', impi: parseImpi(username) }
}
