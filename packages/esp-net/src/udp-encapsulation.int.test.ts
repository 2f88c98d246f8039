import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { seededRandom, systemRandom } from '@rollcall/core'
import {
  buildInnerUdp,
  InvalidIpAddressError,
  NEXT_HEADER_IPV4,
  NEXT_HEADER_NONE,
  NEXT_HEADER_UDP,
  OutboundSa,
  parseIp,
  type SaSetParameters,
  SequenceExhaustedError,
} from '@rollcall/esp'
import fc from 'fast-check'
import { EncapsulationBindError, OuterAddressUnknownError, SaSetsFullError, UdpEncapsulation } from './mod.ts'
import {
  IPV4_PAIR,
  IPV6_PAIR,
  openEnd,
  openPair,
  openPlainSocket,
  PCSCF_ADDRESS,
  reasonToSkip,
  STRANGER_ADDRESS,
  testSet,
  UE_ADDRESS,
  waitFor,
} from './testing/link.ts'
import { testSaBackEnd } from './testing/sa-back-end.conformance.ts'

testSaBackEnd({ name: 'UDP-enc-tun', openPair, createSet: testSet, waitFor })

/** What the other end of `set` would send, whichever ports and addresses it puts inside. */
function forge(
  set: SaSetParameters,
  o: { address?: string; sourcePort?: number; destinationPort?: number; payload?: string; spi?: number } = {},
): Buffer {
  const { local, remote } = set
  return buildInnerUdp({
    source: { address: parseIp(o.address ?? remote.address), port: o.sourcePort ?? remote.portC },
    destination: { address: parseIp(local.address), port: o.destinationPort ?? local.portS },
    payload: Buffer.from(o.payload ?? 'forged'),
  })
}

const TRANSFORMS = [
  ...(['null', 'aes-cbc', 'des-ede3-cbc'] as const).flatMap((encryption) =>
    (['hmac-sha-1-96', 'hmac-md5-96'] as const).map((integrity) => ({ encryption, integrity })),
  ),
  { encryption: 'aes-gcm', integrity: 'null' },
  { encryption: 'null', integrity: 'aes-gmac' },
] as const

for (const { encryption, integrity } of TRANSFORMS) {
  for (const addresses of [IPV4_PAIR, IPV6_PAIR]) {
    test(`any message passes from UE to P-CSCF and back with ${encryption} ${integrity} over ${addresses.name} (RFC 3948, TS 33.203 annex M)`, {
      skip: reasonToSkip(addresses),
    }, async () => {
      await using pair = await openPair(addresses)
      const { ue, pcscf } = pair
      const set = testSet(1, { encryption, integrity }, addresses)
      ue.backEnd.install(set.ue)
      pcscf.backEnd.install(set.pcscf)
      await fc.assert(
        fc.asyncProperty(fc.uint8Array({ maxLength: 8192, size: 'max' }), async (bytes) => {
          const payload = Buffer.from(bytes)
          const [up, down] = [pcscf.packets.length, ue.packets.length]
          ue.backEnd.send(set.ue.id, payload)
          await waitFor(() => pcscf.packets.length > up, 'the uplink')
          pcscf.backEnd.send(set.pcscf.id, payload)
          await waitFor(() => ue.packets.length > down, 'the downlink')
          assert.deepEqual(pcscf.packets[up]?.payload, payload)
          assert.deepEqual(ue.packets[down]?.payload, payload)
        }),
        { seed: 41, numRuns: 10 },
      )
      assert.deepEqual([ue.drops, pcscf.drops], [[], []])
    })
  }
}

test('a recorded packet sent again is dropped as a replay, from wherever it comes (RFC 4303 section 3.4.3)', async () => {
  await using pcscf = await openEnd(PCSCF_ADDRESS)
  await using middle = await openPlainSocket(STRANGER_ADDRESS)
  await using ue = await openEnd(UE_ADDRESS, { remote: middle.local })
  const set = testSet(1)
  ue.backEnd.install(set.ue)
  pcscf.backEnd.install(set.pcscf)
  ue.backEnd.send(set.ue.id, Buffer.from('once'))
  await waitFor(() => middle.datagrams.length === 1, 'the recording')
  const recorded = middle.datagrams[0] ?? Buffer.alloc(0)
  for (let again = 0; again < 3; again++) middle.send(recorded, pcscf.backEnd.local)
  await waitFor(() => pcscf.drops.length === 2, 'two drops')
  assert.equal(pcscf.packets.length, 1)
  assert.deepEqual(pcscf.drops, [
    { reason: 'replay', source: middle.local },
    { reason: 'replay', source: middle.local },
  ])
})

test('each kind of bad packet is dropped with its reason, and none gets through (RFC 4303 section 3.4, RFC 4301 section 5.2, RFC 3948 section 2.2)', async () => {
  await using pcscf = await openEnd(PCSCF_ADDRESS)
  await using stranger = await openPlainSocket(STRANGER_ADDRESS)
  const { ue, pcscf: set } = testSet(1)
  pcscf.backEnd.install(set)
  const sa = new OutboundSa({ spi: set.local.spiS, keys: set.keys, random: systemRandom })
  const clientSa = new OutboundSa({ spi: set.local.spiC, keys: set.keys, random: systemRandom })
  const wrongIcv = sa.seal(forge(set), NEXT_HEADER_IPV4)
  wrongIcv.writeUInt8(wrongIcv.readUInt8(30) ^ 1, 30)
  const wrongChecksum = forge(set)
  wrongChecksum.writeUInt8(wrongChecksum.readUInt8(30) ^ 1, 30)

  const cases: [string, string, Buffer][] = [
    ['a plain SIP message', 'unknown-spi', Buffer.from('SUBSCRIBE sip:alice@home1.net SIP/2.0\r\n\r\n')],
    [
      'an SPI of the other direction',
      'unknown-spi',
      new OutboundSa({ spi: ue.local.spiS, keys: set.keys, random: systemRandom }).seal(forge(set), 4),
    ],
    ['IKE behind a non-ESP marker', 'not-esp', Buffer.alloc(40)],
    ['an empty datagram', 'malformed', Buffer.alloc(0)],
    ['one octet that is no keepalive', 'malformed', Buffer.from([0xfe])],
    ['two keepalive octets', 'malformed', Buffer.from([0xff, 0xff])],
    ['an SPI and nothing else', 'malformed', sa.seal(forge(set), 4).subarray(0, 8)],
    ['a wrong ICV', 'integrity', wrongIcv],
    ['an IP packet longer than any message makes', 'too-large', Buffer.alloc(8_192 + 200, 1)],
    ['transport mode', 'malformed', sa.seal(forge(set).subarray(20), NEXT_HEADER_UDP)],
    ['something else than IP', 'malformed', sa.seal(Buffer.from('SIP'), NEXT_HEADER_IPV4)],
    ['a wrong inner checksum', 'malformed', sa.seal(wrongChecksum, NEXT_HEADER_IPV4)],
    ['the inner address of another UE', 'selector', sa.seal(forge(set, { address: '127.1.2.2' }), NEXT_HEADER_IPV4)],
    ['another source port', 'selector', sa.seal(forge(set, { sourcePort: set.remote.portS }), NEXT_HEADER_IPV4)],
    ['another destination port', 'selector', sa.seal(forge(set, { destinationPort: 15_060 }), NEXT_HEADER_IPV4)],
    ['the ports of the other SA', 'selector', clientSa.seal(forge(set), NEXT_HEADER_IPV4)],
  ]
  for (const [what, reason, datagram] of cases) {
    const before = pcscf.drops.length
    stranger.send(datagram, pcscf.backEnd.local)
    await waitFor(() => pcscf.drops.length > before, what)
    assert.deepEqual(pcscf.drops.at(-1), { reason, source: stranger.local }, what)
  }
  assert.equal(pcscf.drops.length, cases.length)
  assert.deepEqual(pcscf.packets, [])
  assert.equal(pcscf.backEnd.outerAddressOf(set.id), undefined, 'nobody was believed')
})

test('a keepalive and a dummy packet are ignored without a word (RFC 3948 section 2.3, RFC 3948 section 4, RFC 4303 section 2.6)', async () => {
  await using pcscf = await openEnd(PCSCF_ADDRESS)
  await using peer = await openPlainSocket(UE_ADDRESS)
  const set = testSet(1).pcscf
  pcscf.backEnd.install(set)
  const sa = new OutboundSa({ spi: set.local.spiS, keys: set.keys, random: systemRandom })
  peer.send(Buffer.from([0xff]), pcscf.backEnd.local)
  peer.send(sa.seal(systemRandom.bytes(40), NEXT_HEADER_NONE), pcscf.backEnd.local)
  peer.send(sa.seal(forge(set, { payload: 'real' }), NEXT_HEADER_IPV4), pcscf.backEnd.local)
  await waitFor(() => pcscf.packets.length === 1, 'the real one')
  assert.equal(String(pcscf.packets[0]?.payload), 'real')
  assert.deepEqual(pcscf.drops, [])
})

test("takes what comes on the client port's SA with that SA's ports (TS 33.203 clause 7.1)", async () => {
  await using pcscf = await openEnd(PCSCF_ADDRESS)
  await using peer = await openPlainSocket(UE_ADDRESS)
  const set = testSet(1).pcscf
  pcscf.backEnd.install(set)
  const sa = new OutboundSa({ spi: set.local.spiC, keys: set.keys, random: systemRandom })
  const inner = forge(set, { sourcePort: set.remote.portS, destinationPort: set.local.portC, payload: 'answer' })
  peer.send(sa.seal(inner, NEXT_HEADER_IPV4), pcscf.backEnd.local)
  await waitFor(() => pcscf.packets.length === 1, 'the packet')
  assert.deepEqual(pcscf.packets[0], {
    setId: set.id,
    sourcePort: set.remote.portS,
    destinationPort: set.local.portC,
    payload: Buffer.from('answer'),
  })
})

test('the P-CSCF cannot send before the UE did, then follows it behind a NAT that changes (TS 33.203 annex M)', async () => {
  await using pcscf = await openEnd(PCSCF_ADDRESS)
  await using first = await openPlainSocket('127.1.2.11')
  await using second = await openPlainSocket('127.1.2.12')
  const set = testSet(1).pcscf
  pcscf.backEnd.install(set)
  assert.throws(() => pcscf.backEnd.send(set.id, Buffer.from('too early')), OuterAddressUnknownError)

  const sa = new OutboundSa({ spi: set.local.spiS, keys: set.keys, random: systemRandom })
  const heldUp = sa.seal(forge(set), NEXT_HEADER_IPV4)
  first.send(sa.seal(forge(set), NEXT_HEADER_IPV4), pcscf.backEnd.local)
  await waitFor(() => pcscf.packets.length === 1, 'the first packet')
  assert.deepEqual(pcscf.backEnd.outerAddressOf(set.id), first.local)

  second.send(sa.seal(forge(set), NEXT_HEADER_IPV4), pcscf.backEnd.local)
  await waitFor(() => pcscf.packets.length === 2, 'the first packet of the new mapping')
  pcscf.backEnd.send(set.id, Buffer.from('to the new one'))
  await waitFor(() => second.datagrams.length === 1, 'the downlink')
  assert.equal(first.datagrams.length, 0)

  // An older packet that arrives late is taken, but does not lead back.
  first.send(heldUp, pcscf.backEnd.local)
  await waitFor(() => pcscf.packets.length === 3, 'the late packet')
  assert.deepEqual(pcscf.backEnd.outerAddressOf(set.id), second.local)
})

test('a UE sends to its P-CSCF, whatever address an answer comes from', async () => {
  await using known = await openPlainSocket(PCSCF_ADDRESS)
  await using elsewhere = await openPlainSocket(STRANGER_ADDRESS)
  await using ue = await openEnd(UE_ADDRESS, { remote: known.local })
  const set = testSet(1).ue
  ue.backEnd.install(set)
  const sa = new OutboundSa({ spi: set.local.spiS, keys: set.keys, random: systemRandom })
  elsewhere.send(sa.seal(forge(set), NEXT_HEADER_IPV4), ue.backEnd.local)
  await waitFor(() => ue.packets.length === 1, 'the packet')
  ue.backEnd.send(set.id, Buffer.from('up'))
  await waitFor(() => known.datagrams.length === 1, 'the uplink')
  assert.equal(elsewhere.datagrams.length, 0)
})

test('a packet of one UE is never taken for that of another (TS 33.203 clause 7.1)', async () => {
  await using pair = await openPair()
  const { ue, pcscf } = pair
  const alice = testSet(1)
  const mallory = testSet(2)
  pcscf.backEnd.install(alice.pcscf)
  pcscf.backEnd.install(mallory.pcscf)
  // Mallory seals with her own keys for alice's SPI.
  ue.backEnd.install({ ...mallory.ue, remote: alice.ue.remote })
  ue.backEnd.send(mallory.ue.id, Buffer.from('for alice'))
  await waitFor(() => pcscf.drops.length === 1, 'the drop')
  assert.equal(pcscf.drops[0]?.reason, 'integrity')
  assert.deepEqual(pcscf.packets, [])
})

test('a removed set takes no packet any more (TS 33.203 clause 7.4)', async () => {
  await using pair = await openPair()
  const { ue, pcscf } = pair
  const set = testSet(1)
  ue.backEnd.install(set.ue)
  pcscf.backEnd.install(set.pcscf)
  pcscf.backEnd.remove(set.pcscf.id)
  ue.backEnd.send(set.ue.id, Buffer.from('too late'))
  await waitFor(() => pcscf.drops.length === 1, 'the drop')
  assert.equal(pcscf.drops[0]?.reason, 'unknown-spi')
  assert.equal(pcscf.backEnd.size, 0)
})

test('holds no more sets than it is told to', async () => {
  await using pcscf = await openEnd(PCSCF_ADDRESS, { setsMax: 2 })
  pcscf.backEnd.install(testSet(1).pcscf)
  pcscf.backEnd.install(testSet(2).pcscf)
  assert.throws(
    () => pcscf.backEnd.install(testSet(3).pcscf),
    (error: unknown) => error instanceof SaSetsFullError && error.setsMax === 2,
  )
  pcscf.backEnd.install(testSet(2).pcscf)
  pcscf.backEnd.remove(testSet(1).pcscf.id)
  pcscf.backEnd.install(testSet(3).pcscf)
  assert.equal(pcscf.backEnd.size, 2)
})

test('a flood of octets at random is dropped piece by piece, and a good packet still comes through', async () => {
  await using pair = await openPair()
  await using stranger = await openPlainSocket(STRANGER_ADDRESS)
  const { ue, pcscf } = pair
  const set = testSet(1)
  ue.backEnd.install(set.ue)
  pcscf.backEnd.install(set.pcscf)
  const random = seededRandom('flood')
  for (let number = 0; number < 200; number++) {
    const datagram = random.bytes(random.bytes(1).readUInt8(0) + 2)
    if (number % 2 === 0 && datagram.length >= 4) datagram.writeUInt32BE(set.pcscf.local.spiS, 0)
    stranger.send(datagram, pcscf.backEnd.local)
  }
  await waitFor(() => pcscf.drops.length === 200, 'the drops')
  ue.backEnd.send(set.ue.id, Buffer.from('through'))
  await waitFor(() => pcscf.packets.length === 1, 'the good one')
})

test('a socket that cannot be opened says where, and an address must be one', async () => {
  await using first = await openEnd(PCSCF_ADDRESS)
  const options = { random: systemRandom, onPacket: () => {}, onDrop: () => {} }
  await assert.rejects(
    UdpEncapsulation.bind({ ...options, ...first.backEnd.local }),
    (error: unknown) =>
      error instanceof EncapsulationBindError &&
      error.port === first.backEnd.local.port &&
      error.cause instanceof Error,
  )
  await assert.rejects(UdpEncapsulation.bind({ ...options, address: 'localhost', port: 0 }), InvalidIpAddressError)
  const remote = { address: 'pcscf', port: 14_500 }
  await assert.rejects(
    UdpEncapsulation.bind({ ...options, address: UE_ADDRESS, port: 0, remote }),
    InvalidIpAddressError,
  )
})

test('a datagram that the system does not take is reported, and the back end goes on', async () => {
  const errors: Error[] = []
  await using ue = await UdpEncapsulation.bind({
    address: UE_ADDRESS,
    port: 0,
    random: systemRandom,
    // From a loopback address nothing can be sent to the world.
    remote: { address: '192.0.2.1', port: 14_500 },
    onPacket: () => {},
    onDrop: () => {},
    onSocketError: (error) => errors.push(error),
  })
  const set = testSet(1).ue
  ue.install(set)
  ue.send(set.id, Buffer.from('one'))
  await waitFor(() => errors.length === 1, 'the error')
  ue.send(set.id, Buffer.from('two'))
  await waitFor(() => errors.length === 2, 'the next error')
})

test('closing twice is closing once, and prints nobody a key', async () => {
  const { backEnd } = await openEnd(PCSCF_ADDRESS)
  const set = testSet(1).pcscf
  backEnd.install(set)
  const printed = inspect(backEnd, { depth: 10, showHidden: true })
  assert.doesNotMatch(printed, new RegExp(set.keys.integrityKey.reveal().toString('hex').slice(0, 8)))
  await Promise.all([backEnd.close(), backEnd.close()])
  assert.equal(backEnd.size, 0)
})

test('a set that comes to the end of its sequence numbers says so in time, once, and sends nothing beyond it (RFC 4303 section 3.3.3)', async () => {
  for (const [lastSequence, expected] of [
    [0, []],
    [0xffff_0000, ['set-1']],
    [0xffff_fffd, ['set-1']],
  ] as const) {
    const due: string[] = []
    await using ue = await openEnd(UE_ADDRESS, {
      remote: { address: PCSCF_ADDRESS, port: 9 },
      lastSequence,
      onRenewalDue: (setId) => due.push(setId),
    })
    const { ue: set } = testSet(1)
    ue.backEnd.install(set)
    for (let packet = 0; packet < 2; packet++) ue.backEnd.send(set.id, Buffer.from('x'))
    assert.deepEqual(due, expected)
    if (lastSequence === 0xffff_fffd) {
      assert.throws(() => ue.backEnd.send(set.id, Buffer.from('x')), SequenceExhaustedError)
      assert.deepEqual(due, expected)
    }
  }
})
