import { createHmac } from 'node:crypto'
import { Secret } from '@rollcall/core'

/** The algorithms of HTTP Digest AKA that are built (RFC 3310 and RFC 4169). */
export type AkaDigestAlgorithm = 'AKAv1-MD5' | 'AKAv2-MD5'

/** All of them, the default first. */
export const AKA_DIGEST_ALGORITHMS = ['AKAv1-MD5', 'AKAv2-MD5'] as const satisfies readonly AkaDigestAlgorithm[]

/** What an AKA run gives to both ends. */
export interface AkaResult {
  readonly res: Secret
  readonly ck: Secret
  readonly ik: Secret
}

/**
 * The algorithm that a parameter names, whatever its case; nothing when it is another one.
 *
 * @see RFC 3310 section 3.1, RFC 4169 section 3
 */
export function parseAkaAlgorithm(text: string): AkaDigestAlgorithm | undefined {
  return AKA_DIGEST_ALGORITHMS.find((algorithm) => algorithm.toLowerCase() === text.toLowerCase())
}

/**
 * The password of the digest. AKAv1 takes the octets of RES; AKAv2 a text made of RES, IK and CK, so that a response
 * cannot be used outside of the digest, nor RES out of a tunnel inside of it.
 *
 * `Choice:` the SAs take IK and CK themselves with both, since TS 33.203 annex I knows nothing else.
 *
 * @see RFC 3310 section 3.3, RFC 4169 section 3; src/vectors/digest.ts
 */
export function digestPassword(algorithm: AkaDigestAlgorithm, { res, ik, ck }: AkaResult): Secret {
  // guard: akav2-password — in AKAv2 RES alone proves nothing (RFC 4169 section 3)
  if (algorithm === 'AKAv1-MD5') return res
  const key = Buffer.concat([res.reveal(), ik.reveal(), ck.reveal()])
  return new Secret(Buffer.from(pseudoRandom(key, 'http-digest-akav2-password').toString('base64'), 'latin1'))
}

/** The PRF of AKAv2-MD5: HMAC-MD5 (RFC 4169 section 3). */
export function pseudoRandom(key: Buffer, label: string): Buffer {
  return createHmac('md5', key).update(label, 'latin1').digest()
}
