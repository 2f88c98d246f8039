import { Secret, seededRandom } from '@rollcall/core'
import { type EncryptionAlgorithm, type EspKeys, expandKeys, type IntegrityAlgorithm } from '../keys.ts'

/** Every transform that this package knows; for tests. */
export const TRANSFORMS: readonly { encryption: EncryptionAlgorithm; integrity: IntegrityAlgorithm }[] = [
  { encryption: 'null', integrity: 'hmac-sha-1-96' },
  { encryption: 'null', integrity: 'hmac-md5-96' },
  { encryption: 'aes-cbc', integrity: 'hmac-sha-1-96' },
  { encryption: 'aes-cbc', integrity: 'hmac-md5-96' },
  { encryption: 'des-ede3-cbc', integrity: 'hmac-sha-1-96' },
  { encryption: 'des-ede3-cbc', integrity: 'hmac-md5-96' },
  { encryption: 'aes-gcm', integrity: 'null' },
  { encryption: 'null', integrity: 'aes-gmac' },
]

/** Keys that are the same in each run; for tests. */
export function testKeys(transform: { encryption: EncryptionAlgorithm; integrity: IntegrityAlgorithm }): EspKeys {
  const random = seededRandom('esp keys')
  return expandKeys({ ...transform, ck: new Secret(random.bytes(16)), ik: new Secret(random.bytes(16)) })
}
