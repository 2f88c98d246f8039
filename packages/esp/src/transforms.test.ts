import assert from 'node:assert/strict'
import { createDecipheriv } from 'node:crypto'
import { test } from 'node:test'
import { type Random, Secret, systemRandom } from '@rollcall/core'
import { createDecryptor, createEncryptor } from './encryption.ts'
import { Integrity } from './integrity.ts'
import type { EncryptionAlgorithm, EspKeys, IntegrityAlgorithm } from './keys.ts'
import { expandKeys, InboundSa, NEXT_HEADER_UDP, OutboundSa } from './mod.ts'
import { createOpener } from './transform.ts'
import { AES_CBC_VECTORS } from './vectors/aes-cbc.ts'
import { COUNTER_MODE_VECTORS } from './vectors/counter-mode.ts'
import { DES3_CBC_VECTORS } from './vectors/des3-cbc.ts'
import { ESP_PACKET_VECTORS, RFC_3602_CASE_5 } from './vectors/esp-packets.ts'
import { HMAC_VECTORS } from './vectors/hmac.ts'
import { KEY_EXPANSION_VECTORS } from './vectors/key-expansion.ts'

const hex = (text: string): Buffer => Buffer.from(text, 'hex')

/** A source that makes the first IV of an SA the one given: what encrypts to it, chained to zero. */
function randomForIv(key: Buffer, iv: Buffer): Random {
  // A single block of CBC from zero is ECB, which OpenSSL does not name for 3DES.
  const [cipher, start] =
    iv.length === 8 ? (['des-ede3-cbc', Buffer.alloc(8)] as const) : (['aes-128-ecb', null] as const)
  const decipher = createDecipheriv(cipher, key, start).setAutoPadding(false)
  return { bytes: () => decipher.update(iv) }
}

function keysWith(part: {
  integrity?: IntegrityAlgorithm
  integrityKey?: string
  encryption?: EncryptionAlgorithm
  encryptionKey?: string
  salt?: string
}): EspKeys {
  return {
    integrity: part.integrity ?? 'hmac-sha-1-96',
    integrityKey: Secret.fromHex(part.integrityKey ?? '00'.repeat(20)),
    encryption: part.encryption ?? (part.encryptionKey === undefined ? 'null' : 'aes-cbc'),
    encryptionKey: Secret.fromHex(part.encryptionKey ?? ''),
    salt: Secret.fromHex(part.salt ?? ''),
  }
}

for (const vector of HMAC_VECTORS) {
  test(`gives the first 96 bits of HMAC test case ${vector.number} (RFC 2202 section 2, RFC 2403 section 2, RFC 2404 section 2)`, () => {
    const data = hex(vector.data)
    for (const [integrity, integrityKey, icv] of [
      ['hmac-md5-96', vector.keyMd5, vector.hmacMd5Leftmost96],
      ['hmac-sha-1-96', vector.keySha1, vector.hmacSha1Leftmost96],
    ] as const) {
      const mac = new Integrity(keysWith({ integrity, integrityKey }))
      const packet = Buffer.concat([data, Buffer.alloc(12)])
      mac.write(packet, data.length)
      assert.equal(packet.subarray(data.length).toString('hex'), icv)
      assert.ok(mac.check(packet, data.length))
    }
  })
}

const CBC_VECTORS = [
  ...AES_CBC_VECTORS.map((vector) => ({ ...vector, encryption: 'aes-cbc' as const })),
  ...DES3_CBC_VECTORS.map((vector) => ({ ...vector, encryption: 'des-ede3-cbc' as const })),
]

for (const vector of CBC_VECTORS) {
  test(`encrypts and decrypts ${vector.name} (RFC 3602 section 2, RFC 3602 section 4, RFC 2451 section 2, RFC 2451 section 3)`, () => {
    const keys = keysWith({ encryption: vector.encryption, encryptionKey: vector.key })
    const region = Buffer.concat([Buffer.alloc(vector.iv.length / 2), hex(vector.plaintext)])
    createEncryptor(keys, randomForIv(hex(vector.key), hex(vector.iv))).encrypt(region)
    assert.equal(region.toString('hex'), vector.iv + vector.ciphertext)
    assert.equal(createDecryptor(keys).decrypt(region).toString('hex'), vector.plaintext)
  })
}

test('one cipher object serves packet after packet, whatever came before (RFC 3602 section 2.1)', () => {
  for (const vector of AES_CBC_VECTORS) {
    const keys = keysWith({ encryptionKey: vector.key })
    const encryptor = createEncryptor(keys, systemRandom)
    const decryptor = createDecryptor(keys)
    for (let packet = 0; packet < 5; packet++) {
      const plaintext = systemRandom.bytes(16 * (packet + 1))
      const region = Buffer.concat([Buffer.alloc(16), plaintext])
      encryptor.encrypt(region)
      // Each packet stands for itself: node's own decipher, given the packet's IV, and a decryptor that lost packets.
      const alone = createDecipheriv('aes-128-cbc', hex(vector.key), region.subarray(0, 16)).setAutoPadding(false)
      assert.deepEqual(alone.update(region.subarray(16)), plaintext)
      if (packet !== 2) assert.deepEqual(decryptor.decrypt(region), plaintext)
    }
  }
})

test('lays out and encrypts the packet of RFC 3602 section 4, case 5', () => {
  const keys = keysWith({ encryptionKey: RFC_3602_CASE_5.key })
  const random = randomForIv(hex(RFC_3602_CASE_5.key), hex(RFC_3602_CASE_5.iv))
  const sa = new OutboundSa({ spi: Number.parseInt(RFC_3602_CASE_5.spi, 16), keys, random })
  const packet = sa.seal(hex(RFC_3602_CASE_5.payload), Number.parseInt(RFC_3602_CASE_5.nextHeader, 16))
  const expected = `${RFC_3602_CASE_5.spi}00000001${RFC_3602_CASE_5.iv}${RFC_3602_CASE_5.ciphertext}`
  // The RFC's packet has no ICV, ours always has.
  assert.equal(packet.subarray(0, packet.length - 12).toString('hex'), expected)
  const { payload, padding, padLength, nextHeader } = RFC_3602_CASE_5
  const plaintext = createDecryptor(keys)
    .decrypt(packet.subarray(8, packet.length - 12))
    .toString('hex')
  assert.equal(plaintext, payload + padding + padLength + nextHeader)
})

for (const vector of ESP_PACKET_VECTORS) {
  test(`seals and opens the packet ${vector.encryption} ${vector.integrity} octet for octet (RFC 4303)`, () => {
    const set = KEY_EXPANSION_VECTORS.find((candidate) => candidate.milenageSet === vector.milenageSet)
    assert.ok(set)
    const { encryption, integrity, spi } = vector
    const keys = expandKeys({ ck: Secret.fromHex(set.ck), ik: Secret.fromHex(set.ik), encryption, integrity })
    const random = vector.iv === '' ? systemRandom : randomForIv(keys.encryptionKey.reveal(), hex(vector.iv))
    const packet = new OutboundSa({ spi, keys, random }).seal(hex(vector.payload), NEXT_HEADER_UDP)
    assert.equal(packet.toString('hex'), vector.packet)
    const opened = new InboundSa({ spi, keys }).open(hex(vector.packet))
    assert.ok(opened.ok)
    assert.equal(opened.nextHeader, NEXT_HEADER_UDP)
    assert.equal(opened.payload.toString('hex'), vector.payload)
  })
}

test('3DES takes the key with its parity bits as CK gives it and encrypts alike (TS 33.203 annex I)', () => {
  for (const { des3Cbc, des3CbcWithoutParity } of KEY_EXPANSION_VECTORS) {
    const [withParity, without] = [des3Cbc, des3CbcWithoutParity].map((encryptionKey) => {
      const keys = keysWith({ encryption: 'des-ede3-cbc', encryptionKey })
      const region = Buffer.alloc(8 + 24)
      createEncryptor(keys, { bytes: (count) => Buffer.alloc(count, 7) }).encrypt(region)
      return region
    })
    assert.deepEqual(withParity, without)
  }
})

for (const vector of COUNTER_MODE_VECTORS) {
  const { encryption, integrity, key, salt } = vector
  const keys =
    encryption === 'aes-gcm'
      ? keysWith({ encryption, integrity, encryptionKey: key, salt, integrityKey: '' })
      : keysWith({ encryption, integrity, integrityKey: key, salt })
  const packet = hex(vector.spi + vector.sequence + vector.iv + vector.protectedText + vector.icv)

  test(`opens the packet of ${vector.name} (draft-mcgrew-gcm-test-01; RFC 4106 section 4, RFC 4106 section 5, RFC 4106 section 6, RFC 4543 section 3.2, RFC 4543 section 3.4)`, () => {
    const opener = createOpener(keys)
    assert.equal(opener.open(packet)?.toString('hex'), vector.text)
    const opened = new InboundSa({ spi: packet.readUInt32BE(0), keys }).open(packet)
    assert.ok(opened.ok && opened.isNewest)
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const changed = Buffer.from(packet)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.equal(opener.open(changed), undefined, `bit ${bit}`)
    }
  })
}
