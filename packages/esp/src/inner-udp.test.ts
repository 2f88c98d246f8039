import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildInnerUdp, formatIpv4, InvalidIpv4AddressError, parseInnerUdp, parseIpv4 } from './mod.ts'

const source = { address: parseIpv4('127.0.1.1'), port: 40_001 }
const destination = { address: parseIpv4('127.0.0.1'), port: 15_064 }

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

test('builds the IPv4 and UDP headers octet for octet (RFC 791 section 3.1, RFC 768)', () => {
  const packet = buildInnerUdp({ source, destination, payload: Buffer.from('SIP') })
  // Computed with an independent Python (struct, RFC 1071); tshark checks both checksums in wireshark.int.test.ts.
  assert.equal(packet.toString('hex'), '4500001f0000400040113bcc7f0001017f0000019c413ad8000b8672534950')
})

test('what is built parses to the same, for any payload (RFC 768)', () => {
  const endpoint = fc.record({ address: fc.nat(0xffff_ffff), port: fc.nat(0xffff) }, { noNullPrototype: true })
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

test('refuses what is not one whole UDP datagram in IPv4, though its checksums are right', () => {
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

test('an IPv4 address in dotted form is a number and back', () => {
  fc.assert(
    fc.property(fc.nat(0xffff_ffff), (address) => {
      assert.equal(parseIpv4(formatIpv4(address)), address)
    }),
    { seed: 33 },
  )
  assert.equal(parseIpv4('255.255.255.255'), 0xffff_ffff)
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4 ',
    '-1.2.3.4',
    '1.2.3.0x4',
    '::1',
    'a.b.c.d',
  ]) {
    assert.throws(() => parseIpv4(text), InvalidIpv4AddressError, text)
  }
})
