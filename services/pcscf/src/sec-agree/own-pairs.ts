import type { EncryptionAlgorithm, IntegrityAlgorithm } from '@rollcall/esp'

/** An integrity and an encryption algorithm that we can use together, and the mode we use them in. */
export interface OwnPair {
  readonly alg: IntegrityAlgorithm
  readonly ealg: EncryptionAlgorithm
  readonly mod: 'UDP-enc-tun' | 'trans'
}

/**
 * Every pair there is, as the setting writes it. MD5 and 3DES are out since Rel-13, and for phones that know nothing
 * better; GCM and GMAC come into the default list when a kernel has judged them (readings, Access 6).
 *
 * @see TS 33.203 annex H
 */
export const PAIR_NAMES = [
  'hmac-sha-1-96/aes-cbc',
  'hmac-sha-1-96/null',
  'hmac-sha-1-96/des-ede3-cbc',
  'hmac-md5-96/aes-cbc',
  'hmac-md5-96/null',
  'hmac-md5-96/des-ede3-cbc',
  'null/aes-gcm',
  'aes-gmac/null',
] as const

export type PairName = (typeof PAIR_NAMES)[number]

const PAIRS: Readonly<Record<PairName, Omit<OwnPair, 'mod'>>> = {
  'hmac-sha-1-96/aes-cbc': { alg: 'hmac-sha-1-96', ealg: 'aes-cbc' },
  'hmac-sha-1-96/null': { alg: 'hmac-sha-1-96', ealg: 'null' },
  'hmac-sha-1-96/des-ede3-cbc': { alg: 'hmac-sha-1-96', ealg: 'des-ede3-cbc' },
  'hmac-md5-96/aes-cbc': { alg: 'hmac-md5-96', ealg: 'aes-cbc' },
  'hmac-md5-96/null': { alg: 'hmac-md5-96', ealg: 'null' },
  'hmac-md5-96/des-ede3-cbc': { alg: 'hmac-md5-96', ealg: 'des-ede3-cbc' },
  'null/aes-gcm': { alg: 'null', ealg: 'aes-gcm' },
  'aes-gmac/null': { alg: 'aes-gmac', ealg: 'null' },
}

/** Our list of pairs in our order of preference, which decides (TS 33.203 clause 7.2). */
export function ownPairs(names: readonly PairName[], mod: OwnPair['mod']): readonly OwnPair[] {
  return [...new Set(names)].map((name) => ({ ...PAIRS[name], mod }))
}
