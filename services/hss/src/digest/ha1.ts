import { Secret } from '@rollcall/core'
import { type DigestAlgorithm, HASH_OCTETS, ha1Of } from '@rollcall/digest'

/** Under which hashes a password is kept, in the order in which they lie in its record (RFC 8760 section 2.1). */
const ALGORITHMS = ['MD5', 'SHA-256', 'SHA-512-256'] as const satisfies readonly DigestAlgorithm[]

/** The hashes that stand for a password, as one secret. The password itself is not kept. */
export function ha1sOf(o: { readonly username: string; readonly realm: string; readonly password: Secret }): Secret {
  return new Secret(Buffer.concat(ALGORITHMS.map((algorithm) => ha1Of({ ...o, algorithm }).reveal())))
}

/** Takes apart what `ha1sOf` put together. */
export function splitHa1s(all: Secret): { readonly algorithm: (typeof ALGORITHMS)[number]; readonly value: Buffer }[] {
  let at = 0
  return ALGORITHMS.map((algorithm) => {
    const value = all.reveal().subarray(at, at + HASH_OCTETS[algorithm])
    at += HASH_OCTETS[algorithm]
    return { algorithm, value }
  })
}
