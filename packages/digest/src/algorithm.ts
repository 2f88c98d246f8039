import { hash } from 'node:crypto'

/**
 * The hash functions of Digest, strongest first. `Choice:` no `-sess` variant: nothing here hands a session key on, and
 * handsets that offer it compute the plain one.
 *
 * @see RFC 7616 section 6.1, RFC 8760 section 2.1
 */
export const DIGEST_ALGORITHMS = ['SHA-512-256', 'SHA-256', 'MD5'] as const

export type DigestAlgorithm = (typeof DIGEST_ALGORITHMS)[number]

const NODE_NAMES: Readonly<Record<DigestAlgorithm, string>> = {
  'SHA-512-256': 'sha512-256',
  'SHA-256': 'sha256',
  MD5: 'md5',
}

/** Octets of a hash. */
export const HASH_OCTETS: Readonly<Record<DigestAlgorithm, number>> = { 'SHA-512-256': 32, 'SHA-256': 32, MD5: 16 }

/** The algorithm that `name` means; without one it is MD5 (RFC 7616 section 3.3). Nothing for one that is not ours. */
export function parseDigestAlgorithm(name: string | undefined): DigestAlgorithm | undefined {
  if (name === undefined) return 'MD5'
  const upper = name.toUpperCase()
  return DIGEST_ALGORITHMS.find((algorithm) => algorithm === upper)
}

/** The hash of texts, one octet a character, or of octets; in hexadecimal digits, lower case. */
export function digestHash(algorithm: DigestAlgorithm, data: string | Uint8Array): string {
  return hash(NODE_NAMES[algorithm], typeof data === 'string' ? Buffer.from(data, 'latin1') : data, 'hex')
}
