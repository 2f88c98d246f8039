import { assertNever, Secret } from '@rollcall/core'
import { EspKeyLengthError } from './errors.ts'

/** Integrity algorithms, by their names in the security agreement (TS 33.203 annex H). */
export type IntegrityAlgorithm = 'hmac-sha-1-96' | 'hmac-md5-96'

/** Encryption algorithms, by their names in the security agreement (TS 33.203 annex H). */
export type EncryptionAlgorithm = 'aes-cbc' | 'null'

/** What all four SAs of a set share: one AKA run, one pair of keys. */
export interface EspKeys {
  readonly integrity: IntegrityAlgorithm
  readonly integrityKey: Secret
  readonly encryption: EncryptionAlgorithm
  /** Empty for `null`. */
  readonly encryptionKey: Secret
}

/** CK and IK (TS 33.102 clause 6.3.7). */
const AKA_KEY_OCTETS = 16
/** HMAC-SHA-1-96 takes 160 bits (RFC 2404 section 3): IK and 32 zero bits. */
const SHA1_KEY_TAIL = Buffer.alloc(4)

/**
 * Makes the keys of an SA set from CK and IK. Pure.
 *
 * @throws EspKeyLengthError
 * @see TS 33.203 annex I; src/vectors/key-expansion.ts
 */
export function expandKeys(o: {
  ck: Secret
  ik: Secret
  integrity: IntegrityAlgorithm
  encryption: EncryptionAlgorithm
}): EspKeys {
  if (o.ck.length !== AKA_KEY_OCTETS) throw new EspKeyLengthError('CK', o.ck.length)
  if (o.ik.length !== AKA_KEY_OCTETS) throw new EspKeyLengthError('IK', o.ik.length)
  return {
    integrity: o.integrity,
    integrityKey: integrityKey(o.integrity, o.ik),
    encryption: o.encryption,
    encryptionKey: encryptionKey(o.encryption, o.ck),
  }
}

function integrityKey(algorithm: IntegrityAlgorithm, ik: Secret): Secret {
  switch (algorithm) {
    case 'hmac-md5-96':
      return ik
    case 'hmac-sha-1-96':
      return new Secret(Buffer.concat([ik.reveal(), SHA1_KEY_TAIL]))
    default:
      return assertNever(algorithm)
  }
}

function encryptionKey(algorithm: EncryptionAlgorithm, ck: Secret): Secret {
  switch (algorithm) {
    case 'aes-cbc':
      return ck
    case 'null':
      return new Secret(Buffer.alloc(0))
    default:
      return assertNever(algorithm)
  }
}
