import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, systemRandom } from '@rollcall/core'
import fc from 'fast-check'
import { type EspKeys, expandKeys, InboundSa, type Opened, OutboundSa, SequenceExhaustedError } from './mod.ts'
import { SEQUENCE_MAX, SEQUENCE_RENEW_AT } from './packet.ts'
import { TRANSFORMS, testKeys } from './testing/keys.ts'
import { createSealer } from './transform.ts'

const SPI = 1_000_000_007

function pair(keys: EspKeys): { outbound: OutboundSa; inbound: InboundSa } {
  return {
    outbound: new OutboundSa({ spi: SPI, keys, random: systemRandom }),
    inbound: new InboundSa({ spi: SPI, keys }),
  }
}

/** A packet with a right ICV around any plaintext, trailer included: what a peer with the keys but a bug could send. */
function sealRaw(keys: EspKeys, sequence: number, plaintext: Buffer): Buffer {
  const sealer = createSealer(keys, systemRandom)
  const packet = Buffer.concat([Buffer.alloc(8 + sealer.ivOctets), plaintext, Buffer.alloc(sealer.icvOctets)])
  packet.writeUInt32BE(SPI, 0)
  packet.writeUInt32BE(sequence, 4)
  sealer.seal(packet)
  return packet
}

function codeOf(opened: Opened): string {
  return opened.ok ? 'ok' : opened.code
}

for (const transform of TRANSFORMS) {
  const name = `${transform.encryption} ${transform.integrity}`
  const keys = testKeys(transform)

  test(`${name}: what is sealed opens to the same payload and next header (RFC 4303 section 3.3, RFC 4303 section 3.4)`, () => {
    const { outbound, inbound } = pair(keys)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(255), (bytes, nextHeader) => {
        const packet = outbound.seal(Buffer.from(bytes), nextHeader)
        const opened = inbound.open(packet)
        assert.ok(opened.ok)
        assert.equal(opened.nextHeader, nextHeader)
        assert.deepEqual(opened.payload, Buffer.from(bytes))
        assert.ok(opened.isNewest)
      }),
      { seed: 21, numRuns: 200 },
    )
  })

  test(`${name}: any flipped bit is refused, and the packet itself is taken afterwards (RFC 4303 section 3.4.4)`, () => {
    const { outbound, inbound } = pair(keys)
    const packet = outbound.seal(Buffer.from('OPTIONS sip:home1.net SIP/2.0\r\n\r\n'), 17)
    for (let bit = 0; bit < packet.length * 8; bit++) {
      const changed = Buffer.from(packet)
      changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      const code = codeOf(inbound.open(changed))
      // In the SPI: not this SA's. In the sequence number: the lowest bit makes it 0. All else: the ICV tells.
      assert.equal(code, bit < 32 ? 'ESP_MALFORMED' : bit === 56 ? 'ESP_REPLAY' : 'ESP_INTEGRITY', `bit ${bit}`)
    }
    assert.ok(inbound.open(packet).ok)
  })

  test(`${name}: a replayed packet is refused however late, one in the window is taken once (RFC 4303 section 3.4.3)`, () => {
    const { outbound, inbound } = pair(keys)
    const packets = Array.from({ length: 70 }, () => outbound.seal(Buffer.from('x'), 4))
    const [first, second, ...rest] = packets
    const last = rest.at(-1)
    assert.ok(first && second && last)
    assert.ok(inbound.open(first).ok)
    assert.equal(codeOf(inbound.open(first)), 'ESP_REPLAY')
    assert.ok(inbound.open(last).ok)
    assert.equal(codeOf(inbound.open(second)), 'ESP_REPLAY', '2 is left of a window that ends at 70')
    // 7 to 70 are in the window.
    const edge = packets[6]
    const left = packets[5]
    assert.ok(edge && left)
    assert.equal(codeOf(inbound.open(left)), 'ESP_REPLAY')
    const late = inbound.open(edge)
    assert.ok(late.ok)
    assert.ok(!late.isNewest)
    assert.equal(codeOf(inbound.open(edge)), 'ESP_REPLAY')
    assert.equal(codeOf(inbound.open(last)), 'ESP_REPLAY')
  })

  test(`${name}: a packet with a wrong ICV does not move the window (RFC 4303 section 3.4.3)`, () => {
    const { outbound, inbound } = pair(keys)
    const far = new OutboundSa({ spi: SPI, keys, random: systemRandom, lastSequence: 5_000 }).seal(Buffer.from('x'), 4)
    far.writeUInt8(far.readUInt8(far.length - 1) ^ 1, far.length - 1)
    assert.equal(codeOf(inbound.open(far)), 'ESP_INTEGRITY')
    assert.ok(inbound.open(outbound.seal(Buffer.from('x'), 4)).ok)
  })

  test(`${name}: sequence number 0 is refused though its ICV is right (RFC 4303 section 3.4.3)`, () => {
    const { inbound } = pair(keys)
    const block = createSealer(keys, systemRandom).blockOctets
    const plaintext = Buffer.concat([
      Buffer.from(Array.from({ length: block - 2 }, (_, i) => i + 1)),
      Buffer.from([block - 2, 4]),
    ])
    assert.equal(codeOf(inbound.open(sealRaw(keys, 0, plaintext))), 'ESP_REPLAY')
    assert.ok(inbound.open(sealRaw(keys, 1, plaintext)).ok)
  })

  test(`${name}: padding that is not 1, 2, 3 … or longer than the packet is refused (RFC 4303 section 2.4)`, () => {
    const { inbound } = pair(keys)
    const bad = Buffer.alloc(16)
    const cases: [string, Buffer][] = [
      ['zeros', Buffer.from([...bad.subarray(0, 8), 0, 0, 0, 0, 0, 0, 6, 4])],
      ['from zero', Buffer.from([...bad.subarray(0, 8), 0, 1, 2, 3, 4, 5, 6, 4])],
      ['last one wrong', Buffer.from([...bad.subarray(0, 8), 1, 2, 3, 4, 5, 7, 6, 4])],
      ['longer than the packet', Buffer.from([...bad.subarray(0, 14), 15, 4])],
      ['longest', Buffer.from([...bad.subarray(0, 14), 255, 4])],
    ]
    cases.forEach(([what, plaintext], index) => {
      assert.equal(codeOf(inbound.open(sealRaw(keys, index + 1, plaintext))), 'ESP_MALFORMED', what)
    })
    const all = inbound.open(sealRaw(keys, 9, Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14, 59])))
    assert.ok(all.ok)
    assert.equal(all.payload.length, 0)
    assert.equal(all.nextHeader, 59)
  })

  test(`${name}: a packet cut anywhere, or with anything behind it, is refused (RFC 4303 section 2)`, () => {
    const { outbound, inbound } = pair(keys)
    const packet = outbound.seal(Buffer.from('OPTIONS sip:home1.net SIP/2.0\r\n\r\n'), 17)
    for (let end = 0; end < packet.length; end++) {
      assert.match(codeOf(inbound.open(packet.subarray(0, end))), /ESP_(MALFORMED|INTEGRITY)/)
    }
    for (const more of [1, 4, 16]) {
      assert.match(codeOf(inbound.open(Buffer.concat([packet, Buffer.alloc(more)]))), /ESP_(MALFORMED|INTEGRITY)/)
    }
    assert.ok(inbound.open(packet).ok)
  })

  test(`${name}: whatever octets come, an SA refuses them and stays usable`, () => {
    const { outbound, inbound } = pair(keys)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        assert.equal(inbound.open(Buffer.from(bytes)).ok, false)
      }),
      { seed: 22, numRuns: 300 },
    )
    assert.ok(inbound.open(outbound.seal(Buffer.from('x'), 4)).ok)
  })

  test(`${name}: other keys do not open a packet`, () => {
    const other = expandKeys({
      ...transform,
      ck: new Secret(systemRandom.bytes(16)),
      ik: new Secret(systemRandom.bytes(16)),
    })
    const { outbound } = pair(keys)
    assert.equal(codeOf(pair(other).inbound.open(outbound.seal(Buffer.from('x'), 4))), 'ESP_INTEGRITY')
  })

  test(`${name}: the last sequence number is used, and none behind it (RFC 4303 section 3.3.3)`, () => {
    const outbound = new OutboundSa({ spi: SPI, keys, random: systemRandom, lastSequence: 0xffff_fffe })
    const packet = outbound.seal(Buffer.from('x'), 4)
    assert.equal(packet.readUInt32BE(4), 0xffff_ffff)
    assert.ok(pair(keys).inbound.open(packet).ok)
    for (let again = 0; again < 2; again++) {
      assert.throws(() => outbound.seal(Buffer.from('x'), 4), SequenceExhaustedError)
    }
  })
}

test('sequence numbers count from 1 (RFC 4303 section 3.3.3)', () => {
  const { outbound } = pair(testKeys({ encryption: 'null', integrity: 'hmac-sha-1-96' }))
  const sequences = [1, 2, 3].map(() => outbound.seal(Buffer.alloc(0), 4).readUInt32BE(4))
  assert.deepEqual(sequences, [1, 2, 3])
})

test('no two packets have the same IV, nor two SAs of the same keys (RFC 3602 section 3)', () => {
  const keys = testKeys({ encryption: 'aes-cbc', integrity: 'hmac-sha-1-96' })
  const ivs = new Set<string>()
  for (let sa = 0; sa < 4; sa++) {
    const { outbound } = pair(keys)
    for (let packet = 0; packet < 250; packet++) {
      ivs.add(outbound.seal(Buffer.from('the same each time'), 4).subarray(8, 24).toString('hex'))
    }
  }
  assert.equal(ivs.size, 1_000)
})

test('an SA says in time that its set is to be renewed (RFC 4303 section 3.3.3)', () => {
  const keys = testKeys({ encryption: 'aes-cbc', integrity: 'hmac-sha-1-96' })
  const outbound = new OutboundSa({ spi: SPI, keys, random: systemRandom, lastSequence: SEQUENCE_RENEW_AT - 2 })
  const due = [1, 2, 3].map(() => {
    outbound.seal(Buffer.alloc(0), 4)
    return outbound.isRenewalDue
  })
  assert.deepEqual(due, [false, true, true])
  assert.ok(SEQUENCE_MAX - SEQUENCE_RENEW_AT > 1_000_000)
})

for (const transform of [
  { encryption: 'aes-gcm', integrity: 'null' },
  { encryption: 'null', integrity: 'aes-gmac' },
] as const) {
  test(`${transform.encryption} ${transform.integrity}: no nonce comes twice in the four SAs that share key and salt, at both ends (RFC 4106 section 3.1, RFC 4543 section 3.1)`, () => {
    const keys = testKeys(transform)
    const nonces = new Set<string>()
    // The four SAs of a set, each at its beginning, in the middle and at its end.
    for (const spi of [1_000_000_001, 1_000_000_002, 4_000_000_001, 4_000_000_002]) {
      for (const lastSequence of [0, 0xffff, 0x7fff_fffe, 0xffff_ff00]) {
        const outbound = new OutboundSa({ spi, keys, random: systemRandom, lastSequence })
        for (let packet = 0; packet < 255; packet++) {
          nonces.add(outbound.seal(Buffer.from('the same each time'), 4).subarray(8, 16).toString('hex'))
        }
      }
    }
    assert.equal(nonces.size, 4 * 4 * 255)
    // Nor can a peer's plain counter from 0 or 1 meet ours: its upper half is no SPI.
    for (const nonce of nonces) assert.ok(Number.parseInt(nonce.slice(0, 8), 16) > 255)
  })
}

test('without encryption and in counter mode packets end on 4 octets, with CBC on whole blocks (RFC 4303 section 2.4)', () => {
  const layouts = { 'null hmac': [4, 0, 12], 'aes-cbc': [16, 16, 12], 'des-ede3-cbc': [8, 8, 12], counter: [4, 8, 16] }
  for (const transform of TRANSFORMS) {
    const { outbound } = pair(testKeys(transform))
    const { encryption, integrity } = transform
    const isCounter = encryption === 'aes-gcm' || integrity === 'aes-gmac'
    const kind = isCounter ? 'counter' : encryption === 'null' ? 'null hmac' : encryption
    const [block = 0, iv = 0, icv = 0] = layouts[kind]
    for (let length = 0; length < 40; length++) {
      const packet = outbound.seal(Buffer.alloc(length), 4)
      const encrypted = packet.length - 8 - iv - icv
      assert.equal(encrypted % block, 0)
      assert.ok(encrypted >= length + 2 && encrypted < length + 2 + block)
    }
  }
})
