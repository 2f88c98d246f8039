import { createHmac } from 'node:crypto'
import { assertNever, Secret } from '@rollcall/core'
import { EspKeyLengthError, InvalidAlgorithmPairError } from './errors.ts'

/** Integrity algorithms, by their names in the security agreement (TS 33.203 annex H). */
export type IntegrityAlgorithm = 'hmac-sha-1-96' | 'hmac-md5-96' | 'aes-gmac' | 'null'

/** Encryption algorithms, by their names in the security agreement (TS 33.203 annex H). */
export type EncryptionAlgorithm = 'aes-cbc' | 'des-ede3-cbc' | 'aes-gcm' | 'null'

/** What all four SAs of a set share: one AKA run, one pair of keys. */
export interface EspKeys {
  readonly integrity: IntegrityAlgorithm
  /** Empty with `aes-gcm`, which checks integrity by itself. */
  readonly integrityKey: Secret
  readonly encryption: EncryptionAlgorithm
  /** Empty for `null`. */
  readonly encryptionKey: Secret
  /** The part of the nonce that no packet shows: of `aes-gcm` and `aes-gmac`, otherwise empty. */
  readonly salt: Secret
}

/** CK and IK (TS 33.102 clause 6.3.7). */
const AKA_KEY_OCTETS = 16
/** HMAC-SHA-1-96 takes 160 bits (RFC 2404 section 3): IK and 32 zero bits. */
const SHA1_KEY_TAIL = Buffer.alloc(4)
const SALT_OCTETS = 4
/** S of the key derivation: FC, the name of the salt, the length of that name (TS 33.203 annex I, TS 33.220 annex B.2). */
const SALT_LABELS = {
  'aes-gmac': { fc: 0x58, name: 'AES_GMAC_SALT' },
  'aes-gcm': { fc: 0x59, name: 'AES_GCM_SALT' },
} as const

/**
 * Whether the two go together: HMAC with any encryption but GCM, GCM alone, GMAC alone. Nothing and nothing is no
 * protection, and no pair.
 *
 * @see TS 33.203 annex H
 */
export function isAlgorithmPair(integrity: IntegrityAlgorithm, encryption: EncryptionAlgorithm): boolean {
  switch (integrity) {
    case 'hmac-md5-96':
    case 'hmac-sha-1-96':
      return encryption !== 'aes-gcm'
    case 'aes-gmac':
      return encryption === 'null'
    case 'null':
      return encryption === 'aes-gcm'
    default:
      return assertNever(integrity)
  }
}

/**
 * Makes the keys of an SA set from CK and IK. Pure.
 *
 * @throws EspKeyLengthError, InvalidAlgorithmPairError
 * @see TS 33.203 annex I; src/vectors/key-expansion.ts
 */
export function expandKeys(o: {
  ck: Secret
  ik: Secret
  integrity: IntegrityAlgorithm
  encryption: EncryptionAlgorithm
}): EspKeys {
  const { ck, ik, integrity, encryption } = o
  if (ck.length !== AKA_KEY_OCTETS) throw new EspKeyLengthError('CK', ck.length)
  if (ik.length !== AKA_KEY_OCTETS) throw new EspKeyLengthError('IK', ik.length)
  // guard: esp-pair — nothing and nothing protects nothing
  if (!isAlgorithmPair(integrity, encryption)) throw new InvalidAlgorithmPairError(integrity, encryption)
  return {
    integrity,
    integrityKey: integrityKey(integrity, ik),
    encryption,
    encryptionKey: encryptionKey(encryption, ck),
    salt: saltOf(integrity, encryption, { ck, ik }),
  }
}

function integrityKey(algorithm: IntegrityAlgorithm, ik: Secret): Secret {
  switch (algorithm) {
    case 'hmac-md5-96':
    case 'aes-gmac':
      return ik
    case 'hmac-sha-1-96':
      return new Secret(Buffer.concat([ik.reveal(), SHA1_KEY_TAIL]))
    case 'null':
      return new Secret(Buffer.alloc(0))
    default:
      return assertNever(algorithm)
  }
}

function encryptionKey(algorithm: EncryptionAlgorithm, ck: Secret): Secret {
  switch (algorithm) {
    case 'aes-cbc':
    case 'aes-gcm':
      return ck
    case 'des-ede3-cbc':
      return tripleDesKey(ck.reveal())
    case 'null':
      return new Secret(Buffer.alloc(0))
    default:
      return assertNever(algorithm)
  }
}

/**
 * CK1, CK2 and CK1 again, each with odd parity: DES does not look at parity bits, and there are libraries that do.
 *
 * @see TS 33.203 annex I
 */
function tripleDesKey(ck: Buffer): Secret {
  const key = Buffer.concat([ck, ck.subarray(0, 8)])
  for (const [index, octet] of key.entries()) {
    let bits = octet >>> 1
    bits ^= bits >>> 4
    bits ^= bits >>> 2
    bits ^= bits >>> 1
    key[index] = (octet & 0xfe) | (~bits & 1)
  }
  return new Secret(key)
}

/** The last 32 bits of HMAC-SHA-256 over S, its key CK and IK (TS 33.203 annex I, TS 33.220 annex B.2). */
function saltOf(
  integrity: IntegrityAlgorithm,
  encryption: EncryptionAlgorithm,
  { ck, ik }: { ck: Secret; ik: Secret },
): Secret {
  const label =
    encryption === 'aes-gcm' ? SALT_LABELS['aes-gcm'] : integrity === 'aes-gmac' ? SALT_LABELS['aes-gmac'] : undefined
  if (label === undefined) return new Secret(Buffer.alloc(0))
  const s = Buffer.concat([
    Buffer.from([label.fc]),
    Buffer.from(label.name, 'latin1'),
    Buffer.from([0, label.name.length]),
  ])
  const derived = createHmac('sha256', Buffer.concat([ck.reveal(), ik.reveal()]))
    .update(s)
    .digest()
  return new Secret(derived.subarray(derived.length - SALT_OCTETS))
}
