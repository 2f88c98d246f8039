import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { NEXT_HEADER_UDP, OutboundSa } from './mod.ts'
import { TRANSFORMS, testKeys } from './testing/keys.ts'

// A second eye on the transforms: the openssl command takes one packet apart.

const reasonToSkip = findReasonToSkip()

for (const transform of TRANSFORMS) {
  test(`openssl finds the same ICV and plaintext in a packet of ${transform.encryption} ${transform.integrity}`, {
    skip: reasonToSkip,
  }, () => {
    const keys = testKeys(transform)
    const payload = Buffer.from('SUBSCRIBE sip:bob@ims.mnc001.mcc001.3gppnetwork.org SIP/2.0\r\n')
    const packet = new OutboundSa({ spi: 1_000_000_007, keys, random: systemRandom }).seal(payload, NEXT_HEADER_UDP)
    const icvAt = packet.length - 12

    const hash = transform.integrity === 'hmac-md5-96' ? '-md5' : '-sha1'
    const macKey = `hexkey:${keys.integrityKey.reveal().toString('hex')}`
    const mac = openssl(['dgst', hash, '-mac', 'HMAC', '-macopt', macKey, '-binary'], packet.subarray(0, icvAt))
    assert.deepEqual(packet.subarray(icvAt), mac.subarray(0, 12))

    const plaintext =
      transform.encryption === 'null'
        ? packet.subarray(8, icvAt)
        : openssl(
            [
              ...['enc', '-d', '-aes-128-cbc', '-nopad', '-K', keys.encryptionKey.reveal().toString('hex')],
              ...['-iv', packet.subarray(8, 24).toString('hex')],
            ],
            packet.subarray(24, icvAt),
          )
    const padLength = plaintext.readUInt8(plaintext.length - 2)
    const padding = Array.from({ length: padLength }, (_, i) => i + 1)
    assert.deepEqual(plaintext, Buffer.concat([payload, Buffer.from([...padding, padLength, NEXT_HEADER_UDP])]))
  })
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
