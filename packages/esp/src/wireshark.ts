import type { EncryptionAlgorithm, IntegrityAlgorithm } from './keys.ts'
import { type SaSetParameters, selectorsOf } from './sa-set.ts'

const ENCRYPTION_NAMES = {
  'aes-cbc': 'AES-CBC [RFC3602]',
  null: 'NULL',
} as const satisfies Record<EncryptionAlgorithm, string>

const INTEGRITY_NAMES = {
  'hmac-sha-1-96': 'HMAC-SHA-1-96 [RFC2404]',
  'hmac-md5-96': 'HMAC-MD5-96 [RFC2403]',
} as const satisfies Record<IntegrityAlgorithm, string>

/**
 * The lines of Wireshark's `esp_sa` table that let it decrypt this set, one for each of the four SAs.
 *
 * They hold the keys in clear: only for a person who asked for a key log of their own UE.
 *
 * @see https://wiki.wireshark.org/ESP_Preferences, confirmed by wireshark.int.test.ts
 */
export function formatWiresharkSas(set: SaSetParameters): string[] {
  const { keys } = set
  return selectorsOf(set).map((selector) =>
    [
      'IPv4',
      // Any outer addresses: behind a NAT they are not those of the set.
      '*',
      '*',
      `0x${selector.spi.toString(16).padStart(8, '0')}`,
      ENCRYPTION_NAMES[keys.encryption],
      keys.encryptionKey.length === 0 ? '' : `0x${keys.encryptionKey.reveal().toString('hex')}`,
      INTEGRITY_NAMES[keys.integrity],
      `0x${keys.integrityKey.reveal().toString('hex')}`,
    ]
      .map((field) => `"${field}"`)
      .join(','),
  )
}
