import type { Secret } from '@rollcall/core'
import { isIpv6, parseIp } from './ip-address.ts'
import type { EncryptionAlgorithm, IntegrityAlgorithm } from './keys.ts'
import { type SaSetParameters, selectorsOf } from './sa-set.ts'

const ENCRYPTION_NAMES = {
  'aes-cbc': 'AES-CBC [RFC3602]',
  'des-ede3-cbc': 'TripleDES-CBC [RFC2451]',
  'aes-gcm': 'AES-GCM with 16 octet ICV [RFC4106]',
  null: 'NULL',
} as const satisfies Record<EncryptionAlgorithm, string>

const INTEGRITY_NAMES = {
  'hmac-sha-1-96': 'HMAC-SHA-1-96 [RFC2404]',
  'hmac-md5-96': 'HMAC-MD5-96 [RFC2403]',
  // Wireshark knows no GMAC: it shows what is in the packet, and does not judge its ICV.
  'aes-gmac': 'ANY 128 bit authentication [no checking]',
  null: 'NULL',
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
      isIpv6(parseIp(set.local.address)) ? 'IPv6' : 'IPv4',
      // Any outer addresses: behind a NAT they are not those of the set.
      '*',
      '*',
      `0x${selector.spi.toString(16).padStart(8, '0')}`,
      ENCRYPTION_NAMES[keys.encryption],
      keyText(keys.encryptionKey, keys.encryption === 'aes-gcm' ? keys.salt : undefined),
      INTEGRITY_NAMES[keys.integrity],
      keyText(keys.integrityKey),
    ]
      .map((field) => `"${field}"`)
      .join(','),
  )
}

/** A key as the table wants it, with the salt behind it where the algorithm has one; an empty field for none. */
function keyText(key: Secret, salt?: Secret): string {
  if (key.length === 0) return ''
  return `0x${key.reveal().toString('hex')}${salt?.reveal().toString('hex') ?? ''}`
}
