import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  buildInnerUdp,
  InvalidIpAddressError,
  NEXT_HEADER_IPV6,
  parseInnerUdp,
  parseIp,
  tunnelHeaderOf,
} from './mod.ts'

const source = { address: parseIp('127.0.1.1'), port: 40_001 }
const destination = { address: parseIp('127.0.0.1'), port: 15_064 }

/** The sum of 16-bit words as RFC 1071 section 1 words it, written another way than the code. */
function plainChecksum(bytes: Buffer): number {
  let sum = 0
  for (let i = 0; i < bytes.length; i += 2) {
    sum += bytes.readUInt8(i) * 256 + (i + 1 < bytes.length ? bytes.readUInt8(i + 1) : 0)
    if (sum > 0xffff) sum -= 0xffff
  }
  return 0xffff - sum
}

/** Makes the IPv4 checksum right again after a change in the header. */
function fixHeader(packet: Buffer): Buffer {
  const headerOctets = (packet.readUInt8(0) & 15) * 4
  packet.writeUInt16BE(0, 10)
  packet.writeUInt16BE(plainChecksum(packet.subarray(0, headerOctets)), 10)
  return packet
}

test('builds the IPv4 and UDP headers octet for octet (RFC 791 section 3.1, RFC 768, RFC 6864 section 4.1; TS 33.203 annex M.7.1)', () => {
  const packet = buildInnerUdp({ source, destination, payload: Buffer.from('SIP') })
  // Computed with an independent Python (struct, RFC 1071); tshark checks both checksums in wireshark.int.test.ts.
  assert.equal(packet.toString('hex'), '4500001f0000400040113bcc7f0001017f0000019c413ad8000b8672534950')
})

test('what is built parses to the same, for any payload (RFC 768)', () => {
  const address = fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes))
  const endpoint = fc.record({ address, port: fc.nat(0xffff) }, { noNullPrototype: true })
  fc.assert(
    fc.property(endpoint, endpoint, fc.uint8Array({ maxLength: 200 }), (from, to, bytes) => {
      const payload = Buffer.from(bytes)
      const packet = buildInnerUdp({ source: from, destination: to, payload })
      assert.deepEqual(parseInnerUdp(packet), { source: from, destination: to, payload })
      assert.equal(plainChecksum(packet.subarray(0, 20)), 0)
      const pseudo = Buffer.concat([packet.subarray(12, 20), Buffer.from([0, 17]), packet.subarray(24, 26)])
      assert.equal(plainChecksum(Buffer.concat([pseudo, packet.subarray(20)])), 0)
    }),
    { seed: 31, numRuns: 300 },
  )
})

test('a UDP checksum that comes out as zero is sent as all ones (RFC 768)', () => {
  // Found by counting up: some payload of two octets makes any checksum.
  let zeros = 0
  for (let value = 0; value <= 0xffff; value++) {
    const packet = buildInnerUdp({ source, destination, payload: Buffer.from([value >> 8, value & 0xff]) })
    assert.notEqual(packet.readUInt16BE(26), 0)
    if (packet.readUInt16BE(26) === 0xffff) {
      zeros++
      assert.ok(parseInnerUdp(packet))
    }
  }
  assert.ok(zeros > 0)
})

test('a UDP checksum of zero means that there is none (RFC 768, RFC 3948 section 2.1)', () => {
  const packet = buildInnerUdp({ source, destination, payload: Buffer.from('payload') })
  packet.writeUInt16BE(0, 26)
  assert.ok(parseInnerUdp(packet))
})

test('any flipped bit is noticed by a checksum or a length', () => {
  const packet = buildInnerUdp({ source, destination, payload: Buffer.from('payload') })
  for (let bit = 0; bit < packet.length * 8; bit++) {
    const changed = Buffer.from(packet)
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
    assert.equal(parseInnerUdp(changed), undefined, `bit ${bit}`)
  }
})

test('refuses what is not one whole UDP datagram in IPv4, though its checksums are right (RFC 4303 section 2.7)', () => {
  const build = (): Buffer => buildInnerUdp({ source, destination, payload: Buffer.from('payload') })
  const change = (offset: number, value: number): Buffer => {
    const packet = build()
    packet.writeUInt16BE(value, offset)
    return fixHeader(packet)
  }
  const cases: [string, Buffer][] = [
    ['version 6', change(0, 0x6500)],
    ['version 0', change(0, 0x0500)],
    ['header of 16 octets', change(0, 0x4400)],
    ['header longer than the packet', change(0, 0x4f00)],
    ['header that leaves no room for UDP', change(0, 0x4800)],
    ['total length too small', change(2, build().length - 1)],
    ['total length too large', change(2, build().length + 1)],
    ['first fragment', change(6, 0x2000)],
    ['later fragment', change(6, 0x0001)],
    ['last fragment far out', change(6, 0x1fff)],
    ['TCP', change(8, 0x4006)],
    ['UDP length too small', change(24, 14)],
    ['UDP length too large', change(24, 16)],
    ['UDP length zero', change(24, 0)],
    ['octets behind the packet', Buffer.concat([build(), Buffer.alloc(4)])],
    ['empty', Buffer.alloc(0)],
    ['headers cut', build().subarray(0, 27)],
  ]
  for (const [what, packet] of cases) assert.equal(parseInnerUdp(packet), undefined, what)
})

test('skips IPv4 options (RFC 791 section 3.1)', () => {
  const packet = buildInnerUdp({ source, destination, payload: Buffer.from('payload') })
  const withOptions = Buffer.concat([packet.subarray(0, 20), Buffer.from([1, 1, 1, 0]), packet.subarray(20)])
  withOptions.writeUInt8(0x46, 0)
  withOptions.writeUInt16BE(withOptions.length, 2)
  assert.deepEqual(parseInnerUdp(fixHeader(withOptions)), { source, destination, payload: Buffer.from('payload') })
})

test('whatever octets come, they are parsed or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      const packet = Buffer.from(bytes)
      if (packet.length > 0) packet.writeUInt8(0x45, 0)
      if (packet.length > 28) fixHeader(packet)
      parseInnerUdp(packet)
    }),
    { seed: 32, numRuns: 300 },
  )
})

const v6 = {
  source: { address: parseIp('2001:db8::1'), port: 40_001 },
  destination: { address: parseIp('2001:db8::2'), port: 15_064 },
}

test('builds the IPv6 and UDP headers octet for octet (RFC 8200 section 3, RFC 768)', () => {
  const packet = buildInnerUdp({ ...v6, payload: Buffer.from('SIP') })
  assert.equal(tunnelHeaderOf(v6.source.address), NEXT_HEADER_IPV6)
  // Computed with an independent Python (struct, RFC 1071); tshark checks the checksum in wireshark.int.test.ts.
  assert.equal(
    packet.toString('hex'),
    '60000000000b1140' +
      '20010db8000000000000000000000001' +
      '20010db8000000000000000000000002' +
      '9c413ad8000b2a00534950',
  )
})

test('what is built in IPv6 parses to the same, and any flipped bit that matters is noticed (RFC 8200 section 8.1)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const payload = Buffer.from(bytes)
      const packet = buildInnerUdp({ ...v6, payload })
      assert.deepEqual(parseInnerUdp(packet, NEXT_HEADER_IPV6), { ...v6, payload })
      assert.equal(parseInnerUdp(packet), undefined, 'as IPv4')
    }),
    { seed: 34 },
  )
  const packet = buildInnerUdp({ ...v6, payload: Buffer.from('payload') })
  for (let bit = 0; bit < packet.length * 8; bit++) {
    // Traffic class, flow label and hop limit are covered by no checksum; ESP's ICV covers all.
    const isUncovered = (bit >= 4 && bit < 32) || (bit >= 56 && bit < 64)
    const changed = Buffer.from(packet)
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (7 - (bit & 7))), bit >> 3)
    assert.equal(parseInnerUdp(changed, NEXT_HEADER_IPV6) !== undefined, isUncovered, `bit ${bit}`)
  }
})

test('refuses IPv6 without a UDP checksum, with an extension header, or cut (RFC 8200 section 8.1)', () => {
  const build = (): Buffer => buildInnerUdp({ ...v6, payload: Buffer.from('payload') })
  const change = (work: (packet: Buffer) => void): Buffer => {
    const packet = build()
    work(packet)
    return packet
  }
  for (const [what, packet] of [
    ['no checksum', change((p) => p.writeUInt16BE(0, 46))],
    ['hop-by-hop options', change((p) => p.writeUInt8(0, 6))],
    ['fragment', change((p) => p.writeUInt8(44, 6))],
    ['TCP', change((p) => p.writeUInt8(6, 6))],
    ['version 4', change((p) => p.writeUInt8(0x45, 0))],
    ['octets behind it', Buffer.concat([build(), Buffer.alloc(4)])],
    ['cut', build().subarray(0, 47)],
    ['empty', Buffer.alloc(0)],
  ] as const) {
    assert.equal(parseInnerUdp(packet, NEXT_HEADER_IPV6), undefined, what)
  }
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      const packet = Buffer.from(bytes)
      if (packet.length > 6) packet.writeUInt8(17, 6)
      if (packet.length > 0) packet.writeUInt8(0x60, 0)
      parseInnerUdp(packet, NEXT_HEADER_IPV6)
    }),
    { seed: 35, numRuns: 300 },
  )
})

test('an address is its octets, of IPv4 or in any form of IPv6 (RFC 4291 section 2.2)', () => {
  for (const [text, octets] of [
    ['255.255.255.255', 'ffffffff'],
    ['127.0.1.1', '7f000101'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['2001:DB8::8:800:200c:417A', '20010db80000000000080800200c417a'],
    ['2001:db8:0:0:8:800:200c:417a', '20010db80000000000080800200c417a'],
    ['::ffff:129.144.52.38', '00000000000000000000ffff81903426'],
    ['1:2:3:4:5:6:7::', '00010002000300040005000600070000'],
  ] as const) {
    assert.equal(parseIp(text).toString('hex'), octets, text)
  }
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '-1.2.3.4',
    '1.2.3.0x4',
    'a.b.c.d',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    '::g',
    '1.2.3.4::',
    '[::1]',
    'fe80::1%eth0',
    '::1.2.3',
  ]) {
    assert.throws(() => parseIp(text), InvalidIpAddressError, text)
  }
})
