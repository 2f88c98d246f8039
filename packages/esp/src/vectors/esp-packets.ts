import type { EncryptionAlgorithm, IntegrityAlgorithm } from '../keys.ts'

/**
 * RFC 3602 section 4, case 5 (published): an ICMP packet in ESP transport mode, encrypted and without ICV, so that only
 * the encrypted part can be compared. Hexadecimal.
 */
export const RFC_3602_CASE_5 = {
  key: '90d382b410eeba7ad938c46cec1a82bf',
  spi: '00004321',
  iv: 'e96e8c08ab465763fd098d45dd3ff893',
  payload:
    '08000ebda70a00008e9c083db95b070008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f3031323334353637',
  padding: '0102030405060708090a0b0c0d0e',
  padLength: '0e',
  nextHeader: '01',
  ciphertext:
    'f663c25d325c18c6a9453e194e120849a4870b66cc6b9965330013b4898dc856a4699e523a55db080b59ec3a8e4b7e52775b07d1db34ed9c538ab50c551b874aa269add047ad2d5913ac19b7cfbad4a6',
} as const

/** One whole ESP packet, the first of its SA; hexadecimal. */
export interface EspPacketVector {
  /** The Milenage test set whose CK and IK made the keys: see key-expansion.ts. */
  readonly milenageSet: number
  readonly encryption: EncryptionAlgorithm
  readonly integrity: IntegrityAlgorithm
  readonly spi: number
  readonly iv: string
  /** UDP from port 6000 to 5061, without checksum; next header 17. */
  readonly payload: string
  readonly packet: string
}

/**
 * Packets in transport mode by RFC 4303, RFC 3602, RFC 2451, RFC 2403 and RFC 2404. Derived, not printed in any specification:
 * computed with an independent Python (pycryptodome, hashlib).
 */
export const ESP_PACKET_VECTORS: readonly EspPacketVector[] = [
  {
    milenageSet: 1,
    encryption: 'null',
    integrity: 'hmac-md5-96',
    spi: 0x00001001,
    iv: '',
    payload: '177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a',
    packet:
      '0000100100000001177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a0011cf1a523459fdafe1a8449368',
  },
  {
    milenageSet: 1,
    encryption: 'null',
    integrity: 'hmac-sha-1-96',
    spi: 0x00001001,
    iv: '',
    payload: '177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a',
    packet:
      '0000100100000001177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a001110b42f46db074b899adf7e95',
  },
  {
    milenageSet: 1,
    encryption: 'aes-cbc',
    integrity: 'hmac-md5-96',
    spi: 0x00001001,
    iv: '000102030405060708090a0b0c0d0e0f',
    payload: '177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a',
    packet:
      '0000100100000001000102030405060708090a0b0c0d0e0fbaca62d2ff39b43495e19229e0ba603fcf460d201c37cdfbea1a4fec75789e34bf38ab3503b5852692bc065a6333311d2301e694f2c4905f0296476a',
  },
  {
    milenageSet: 1,
    encryption: 'aes-cbc',
    integrity: 'hmac-sha-1-96',
    spi: 0x00001001,
    iv: '000102030405060708090a0b0c0d0e0f',
    payload: '177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a',
    packet:
      '0000100100000001000102030405060708090a0b0c0d0e0fbaca62d2ff39b43495e19229e0ba603fcf460d201c37cdfbea1a4fec75789e34bf38ab3503b5852692bc065a6333311dd9dd32de987b06b517ed180d',
  },
  {
    milenageSet: 1,
    encryption: 'des-ede3-cbc',
    integrity: 'hmac-md5-96',
    spi: 0x00001001,
    iv: '0001020304050607',
    payload: '177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a',
    packet:
      '000010010000000100010203040506078e1509de0e0eaeebcc3dece634b7f0078b6e1c844a7fa89aa096cfce2128bef0cef6e06bfc4bbf77243e56a71796d67479b32a58f14a08e5e1b18f45',
  },
  {
    milenageSet: 1,
    encryption: 'des-ede3-cbc',
    integrity: 'hmac-sha-1-96',
    spi: 0x00001001,
    iv: '0001020304050607',
    payload: '177013c5002a00005245474953544552207369703a686f6d65312e6e6574205349502f322e300d0a0d0a',
    packet:
      '000010010000000100010203040506078e1509de0e0eaeebcc3dece634b7f0078b6e1c844a7fa89aa096cfce2128bef0cef6e06bfc4bbf77243e56a71796d6748532559e21488a02fb184454',
  },
]
