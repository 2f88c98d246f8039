import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { type EspKeys, NEXT_HEADER_UDP, OutboundSa } from './mod.ts'
import { TRANSFORMS, testKeys } from './testing/keys.ts'

// A second eye on the transforms: the openssl command takes one packet apart.

const reasonToSkip = findReasonToSkip()

for (const transform of TRANSFORMS) {
  test(`openssl finds the same ICV and plaintext in a packet of ${transform.encryption} ${transform.integrity} (RFC 4303, RFC 4106, RFC 4543)`, {
    skip: reasonToSkip,
  }, () => {
    const keys = testKeys(transform)
    const payload = Buffer.from('SUBSCRIBE sip:bob@ims.mnc001.mcc001.3gppnetwork.org SIP/2.0\r\n')
    const packet = new OutboundSa({ spi: 1_000_000_007, keys, random: systemRandom }).seal(payload, NEXT_HEADER_UDP)
    if (transform.encryption === 'aes-gcm') return judgeGcm(keys, packet, payload)
    if (transform.integrity === 'aes-gmac') return judgeGmac(keys, packet, payload)
    const icvAt = packet.length - 12

    const hash = transform.integrity === 'hmac-md5-96' ? '-md5' : '-sha1'
    const macKey = `hexkey:${keys.integrityKey.reveal().toString('hex')}`
    const mac = openssl(['dgst', hash, '-mac', 'HMAC', '-macopt', macKey, '-binary'], packet.subarray(0, icvAt))
    assert.deepEqual(packet.subarray(icvAt), mac.subarray(0, 12))

    const textAt = transform.encryption === 'null' ? 8 : transform.encryption === 'aes-cbc' ? 24 : 16
    const cipher = transform.encryption === 'aes-cbc' ? '-aes-128-cbc' : '-des-ede3-cbc'
    const plaintext =
      transform.encryption === 'null'
        ? packet.subarray(8, icvAt)
        : openssl(
            [
              ...['enc', '-d', cipher, '-nopad', '-K', keys.encryptionKey.reveal().toString('hex')],
              ...['-iv', packet.subarray(8, textAt).toString('hex')],
            ],
            packet.subarray(textAt, icvAt),
          )
    assertText(plaintext, payload)
  })
}

/** The command has no GCM for packets: its counter mode decrypts from block 2 on (NIST SP 800-38D section 7.1). */
function judgeGcm(keys: EspKeys, packet: Buffer, payload: Buffer): void {
  const counter = `${nonceOf(keys, packet)}00000002`
  const args = ['enc', '-d', '-aes-128-ctr', '-K', keys.encryptionKey.reveal().toString('hex'), '-iv', counter]
  assertText(openssl(args, packet.subarray(16, packet.length - 16)), payload)
}

/** GMAC over SPI, sequence number, IV and text, by the command's own MAC (RFC 4543 section 3.3). */
function judgeGmac(keys: EspKeys, packet: Buffer, payload: Buffer): void {
  const icvAt = packet.length - 16
  const key = `hexkey:${keys.integrityKey.reveal().toString('hex')}`
  const iv = `hexiv:${nonceOf(keys, packet)}`
  const args = ['mac', '-cipher', 'AES-128-GCM', '-macopt', key, '-macopt', iv, '-binary', 'GMAC']
  assert.deepEqual(packet.subarray(icvAt), openssl(args, packet.subarray(0, icvAt)))
  assertText(packet.subarray(16, icvAt), payload)
}

function nonceOf(keys: EspKeys, packet: Buffer): string {
  return keys.salt.reveal().toString('hex') + packet.subarray(8, 16).toString('hex')
}

function assertText(plaintext: Buffer, payload: Buffer): void {
  const padLength = plaintext.readUInt8(plaintext.length - 2)
  const padding = Array.from({ length: padLength }, (_, i) => i + 1)
  assert.deepEqual(plaintext, Buffer.concat([payload, Buffer.from([...padding, padLength, NEXT_HEADER_UDP])]))
}

function openssl(args: readonly string[], input: Buffer): Buffer {
  return execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'pipe'] })
}

function findReasonToSkip(): string | false {
  try {
    openssl(['version'], Buffer.alloc(0))
    return false
  } catch {
    return 'the openssl command is not installed'
  }
}
