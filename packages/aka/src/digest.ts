import { createHash, timingSafeEqual } from 'node:crypto'
import type { Secret } from '@rollcall/core'
import { DigestIncompleteError } from './errors.ts'

/** What goes into a digest. Texts are as they stand in the header, unquoted, one character an octet. */
export interface DigestInput {
  readonly username: string
  readonly realm: string
  /** What `digestPassword` gives. `empty` is the password of an answer that carries AUTS. */
  readonly password: Secret | 'empty'
  readonly method: string
  /** The digest-uri of the Authorization header, not the Request-URI. */
  readonly uri: string
  readonly nonce: string
  readonly qop?: 'auth' | 'auth-int' | undefined
  readonly nc?: string | undefined
  readonly cnonce?: string | undefined
  /** Counts with `auth-int` only. */
  readonly body?: Buffer | undefined
}

/**
 * The response of HTTP Digest with AKAv1-MD5 or AKAv2-MD5, which differ in the password alone: 32 hexadecimal digits, lower case. Pure.
 *
 * @throws DigestIncompleteError when there is a qop, but no nc or cnonce.
 * @see RFC 3310 section 3.3 and 3.4, RFC 4169 section 3, RFC 2617 section 3.2.2; src/vectors/digest.ts
 */
export function digestResponse(o: DigestInput): string {
  const secret = createHash('md5').update(`${o.username}:${o.realm}:`, 'latin1')
  if (o.password !== 'empty') secret.update(o.password.reveal())
  const ha1 = secret.digest('hex')
  if (o.qop === undefined) return md5(`${ha1}:${o.nonce}:${md5(`${o.method}:${o.uri}`)}`)

  if (o.nc === undefined) throw new DigestIncompleteError('nc')
  if (o.cnonce === undefined) throw new DigestIncompleteError('cnonce')
  const entity = o.qop === 'auth-int' ? `:${md5(o.body ?? '')}` : ''
  const ha2 = md5(`${o.method}:${o.uri}${entity}`)
  return md5(`${ha1}:${o.nonce}:${o.nc}:${o.cnonce}:${o.qop}:${ha2}`)
}

/** Compares two responses in constant time (their length is no secret). */
export function sameDigest(a: string, b: string): boolean {
  const left = Buffer.from(a, 'latin1')
  const right = Buffer.from(b, 'latin1')
  return left.length === right.length && timingSafeEqual(left, right)
}

function md5(data: string | Buffer): string {
  const hash = createHash('md5')
  return (typeof data === 'string' ? hash.update(data, 'latin1') : hash.update(data)).digest('hex')
}
