import type { EncryptionAlgorithm, IntegrityAlgorithm } from './keys.ts'

/** An integrity and an encryption algorithm that go together. */
export interface AlgorithmPair {
  readonly alg: IntegrityAlgorithm
  readonly ealg: EncryptionAlgorithm
}

/**
 * Every pair there is, as settings and options write it: the two names of the security agreement with a slash between.
 *
 * @see TS 33.203 annex H
 */
export const ALGORITHM_PAIR_NAMES = [
  'hmac-sha-1-96/aes-cbc',
  'hmac-sha-1-96/null',
  'hmac-sha-1-96/des-ede3-cbc',
  'hmac-md5-96/aes-cbc',
  'hmac-md5-96/null',
  'hmac-md5-96/des-ede3-cbc',
  'null/aes-gcm',
  'aes-gmac/null',
] as const

export type AlgorithmPairName = (typeof ALGORITHM_PAIR_NAMES)[number]

export const ALGORITHM_PAIRS: Readonly<Record<AlgorithmPairName, AlgorithmPair>> = {
  'hmac-sha-1-96/aes-cbc': { alg: 'hmac-sha-1-96', ealg: 'aes-cbc' },
  'hmac-sha-1-96/null': { alg: 'hmac-sha-1-96', ealg: 'null' },
  'hmac-sha-1-96/des-ede3-cbc': { alg: 'hmac-sha-1-96', ealg: 'des-ede3-cbc' },
  'hmac-md5-96/aes-cbc': { alg: 'hmac-md5-96', ealg: 'aes-cbc' },
  'hmac-md5-96/null': { alg: 'hmac-md5-96', ealg: 'null' },
  'hmac-md5-96/des-ede3-cbc': { alg: 'hmac-md5-96', ealg: 'des-ede3-cbc' },
  'null/aes-gcm': { alg: 'null', ealg: 'aes-gcm' },
  'aes-gmac/null': { alg: 'aes-gmac', ealg: 'null' },
}

/** Whether `name` is one of them. */
export function isAlgorithmPairName(name: string): name is AlgorithmPairName {
  return Object.hasOwn(ALGORITHM_PAIRS, name)
}
