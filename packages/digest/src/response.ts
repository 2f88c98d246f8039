import { timingSafeEqual } from 'node:crypto'
import { Secret } from '@rollcall/core'
import { type DigestAlgorithm, digestHash } from './algorithm.ts'

/** The qualities of protection: `auth-int` covers the body too (RFC 7616 section 3.4.3). */
export type Qop = 'auth' | 'auth-int'

/** Reads a qop. Nothing for another one. */
export function parseQop(text: string | undefined): Qop | undefined {
  const lower = text?.toLowerCase()
  return lower === 'auth' || lower === 'auth-int' ? lower : undefined
}

/**
 * H(A1), which stands for a password: whoever has it can answer for the user in this realm.
 *
 * `username` and `realm` as they stand in the header, unquoted, one character an octet. Returns the hash's octets.
 *
 * @see RFC 7616 section 3.4.2
 */
export function ha1Of(o: {
  readonly algorithm: DigestAlgorithm
  readonly username: string
  readonly realm: string
  readonly password: Secret
}): Secret {
  const user = Buffer.from(`${o.username}:${o.realm}:`, 'latin1')
  const a1 = Buffer.concat([user, o.password.reveal()])
  const ha1 = Secret.fromHex(digestHash(o.algorithm, a1))
  a1.fill(0)
  return ha1
}

/** What a response is made of, besides the password. */
export interface ResponseInput {
  readonly algorithm: DigestAlgorithm
  readonly ha1: Secret
  /** The request's method; `answer` makes the `rspauth` of Authentication-Info, whose A2 has none. */
  readonly method: string | 'answer'
  /** The `uri` of the credentials, not the request's target. */
  readonly uri: string
  readonly nonce: string
  readonly qop: Qop
  readonly nc: string
  readonly cnonce: string
  /** The message's body, for `auth-int`. */
  readonly body?: Uint8Array | undefined
}

/**
 * The response to a challenge, or the proof in its answer, in hexadecimal digits. Pure.
 *
 * @see RFC 7616 sections 3.4.1 and 3.5, RFC 8760 section 2.4
 */
export function responseOf(o: ResponseInput): string {
  const { algorithm, qop } = o
  const entity = qop === 'auth-int' ? `:${digestHash(algorithm, o.body ?? '')}` : ''
  const ha2 = digestHash(algorithm, `${o.method === 'answer' ? '' : o.method}:${o.uri}${entity}`)
  const ha1 = o.ha1.reveal().toString('hex')
  return digestHash(algorithm, `${ha1}:${o.nonce}:${o.nc}:${o.cnonce}:${qop}:${ha2}`)
}

/** Compares two responses in constant time; their lengths are no secret. */
export function sameResponse(a: string, b: string): boolean {
  const left = Buffer.from(a, 'latin1')
  const right = Buffer.from(b, 'latin1')
  return left.length === right.length && timingSafeEqual(left, right)
}
