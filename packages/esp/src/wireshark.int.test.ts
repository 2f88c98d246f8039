import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { systemRandom } from '@rollcall/core'
import {
  buildInnerUdp,
  formatWiresharkSas,
  OutboundSa,
  parseIp,
  type SaEnd,
  type SaSetParameters,
  tunnelHeaderOf,
} from './mod.ts'
import { TRANSFORMS, testKeys } from './testing/keys.ts'

// The outside judge: Wireshark's own ESP, which shares no code with ours.

const ENCAPSULATION_PORT = 14_500
const UE: SaEnd = { address: '127.0.1.1', portC: 40_001, portS: 40_002, spiC: 1_000_000_001, spiS: 1_000_000_002 }
const PCSCF: SaEnd = { address: '127.0.0.1', portC: 15_100, portS: 15_064, spiC: 2_000_000_001, spiS: 4_000_000_002 }
const OPTIONS = [
  'OPTIONS sip:pcscf-0.pcscf.ims.mnc001.mcc001.3gppnetwork.org SIP/2.0',
  'Via: SIP/2.0/UDP 127.0.1.1:40002;branch=z9hG4bKjudge',
  'Max-Forwards: 70',
  'From: <sip:alice@ims.mnc001.mcc001.3gppnetwork.org>;tag=1',
  'To: <sip:pcscf-0.pcscf.ims.mnc001.mcc001.3gppnetwork.org>',
  'Call-ID: judge',
  'CSeq: 1 OPTIONS',
  'Content-Length: 0',
  '',
  '',
].join('\r\n')
const FIELDS = ['esp.spi', 'esp.sequence', 'esp.icv_good', 'esp.icv_bad', 'udp.dstport', 'sip.Method', 'sip.Call-ID']
/** Of inner and outer headers: they must all be right. */
const CHECKSUMS = ['ip.checksum.status', 'udp.checksum.status']

const reasonToSkip = findReasonToSkip()

// Wireshark knows no GMAC (readings, Access 6): openssl.int.test.ts judges that.
for (const transform of TRANSFORMS.filter(({ integrity }) => integrity !== 'aes-gmac')) {
  const name = `${transform.encryption} ${transform.integrity}`
  test(`Wireshark decrypts ${name} with our key lines, finds the ICV good and the SIP whole (RFC 4303)`, {
    skip: reasonToSkip,
  }, async () => {
    const keys = testKeys(transform)
    const atUe: SaSetParameters = { id: 'judge', local: UE, remote: PCSCF, keys }
    const uplink = sealer(atUe)
    const downlink = sealer({ id: 'judge', local: PCSCF, remote: UE, keys })
    const damaged = uplink(OPTIONS)
    damaged.writeUInt8(damaged.readUInt8(damaged.length - 1) ^ 1, damaged.length - 1)

    // The SAs of one end serve both directions.
    const lines = formatWiresharkSas(atUe)
    const rows = await dissect(lines, [
      outerPacket(UE.address, PCSCF.address, uplink(OPTIONS)),
      outerPacket(PCSCF.address, UE.address, downlink(OPTIONS)),
      outerPacket(UE.address, PCSCF.address, damaged),
    ])
    const port = ENCAPSULATION_PORT
    assert.deepEqual(rows.slice(0, 2), [
      [`0x${PCSCF.spiS.toString(16)}`, '2', '1', '0', `${port},15064`, 'OPTIONS', 'judge'],
      [`0x${UE.spiS.toString(16)}`, '1', '1', '0', `${port},40002`, 'OPTIONS', 'judge'],
    ])
    // It does judge: one bit of the ICV is enough.
    assert.deepEqual(rows[2]?.slice(0, 4), [`0x${PCSCF.spiS.toString(16)}`, '1', '0', '1'])
  })
}

test('Wireshark reads SIP in IPv6 in ESP in IPv6, all checksums right (RFC 4303, RFC 8200 section 8.1)', {
  skip: reasonToSkip,
}, async () => {
  const ue = { ...UE, address: '2001:db8::1' }
  const pcscf = { ...PCSCF, address: '2001:db8::2' }
  for (const transform of [
    { encryption: 'aes-cbc', integrity: 'hmac-sha-1-96' },
    { encryption: 'aes-gcm', integrity: 'null' },
  ] as const) {
    const atUe: SaSetParameters = { id: 'judge', local: ue, remote: pcscf, keys: testKeys(transform) }
    const packet = outerPacket(ue.address, pcscf.address, sealer(atUe)(OPTIONS))
    const [row] = await dissect(formatWiresharkSas(atUe), [packet], ['udp.checksum.status', 'ipv6.dst'])
    const spi = `0x${PCSCF.spiS.toString(16)}`
    const both = '2001:db8::2,2001:db8::2'
    assert.deepEqual(row, [spi, '1', '1', '0', `${ENCAPSULATION_PORT},15064`, 'OPTIONS', 'judge', '1,1', both])
  }
})

/** Seals messages as one end of a set does in tunnel mode. */
function sealer(set: SaSetParameters): (message: string) => Buffer {
  const sa = new OutboundSa({ spi: set.remote.spiS, keys: set.keys, random: systemRandom })
  const source = { address: parseIp(set.local.address), port: set.local.portC }
  const destination = { address: parseIp(set.remote.address), port: set.remote.portS }
  return (message) =>
    sa.seal(buildInnerUdp({ source, destination, payload: Buffer.from(message) }), tunnelHeaderOf(source.address))
}

function outerPacket(from: string, to: string, payload: Buffer): Buffer {
  const source = { address: parseIp(from), port: ENCAPSULATION_PORT }
  return buildInnerUdp({ source, destination: { address: parseIp(to), port: ENCAPSULATION_PORT }, payload })
}

/** Has tshark read the packets; a row each. */
async function dissect(
  saLines: readonly string[],
  packets: readonly Buffer[],
  more: readonly string[] = CHECKSUMS,
): Promise<string[][]> {
  await using folder = await temporaryFolder()
  const file = join(folder.path, 'judge.pcap')
  await writeFile(file, pcapOf(packets))
  const args = [
    ...['-r', file, '-T', 'fields', ...[...FIELDS, ...more].flatMap((f) => ['-e', f])],
    ...['-o', 'esp.enable_encryption_decode:TRUE', '-o', 'esp.enable_authentication_check:TRUE'],
    ...['-o', 'ip.check_checksum:TRUE', '-o', 'udp.check_checksum:TRUE'],
    ...saLines.flatMap((line) => ['-o', `uat:esp_sa:${line}`]),
    ...['-d', `udp.port==${ENCAPSULATION_PORT},udpencap`],
    ...[PCSCF.portS, UE.portS].flatMap((port) => ['-d', `udp.port==${port},sip`]),
  ]
  // A configuration folder of its own: what a person has set up must not judge with it.
  const env = { ...process.env, WIRESHARK_CONFIG_DIR: folder.path }
  const { stdout } = await promisify(execFile)('tshark', args, { env })
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'))
  assert.equal(rows.length, packets.length)
  if (more !== CHECKSUMS) return rows
  return rows.map((row) => {
    for (const statuses of row.slice(FIELDS.length)) assert.match(statuses, /^1(,1)*$/, 'checksums')
    return row.slice(0, FIELDS.length)
  })
}

/** A capture file of raw IP packets (https://www.tcpdump.org/manpages/pcap-savefile.5.html). */
function pcapOf(packets: readonly Buffer[]): Buffer {
  const linktypeRaw = 101
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(0xffff, 16)
  header.writeUInt32LE(linktypeRaw, 20)
  const records = packets.flatMap((packet, index) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(index, 0)
    record.writeUInt32LE(packet.length, 8)
    record.writeUInt32LE(packet.length, 12)
    return [record, packet]
  })
  return Buffer.concat([header, ...records])
}

async function temporaryFolder(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'rollcall-esp-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) }
}

function findReasonToSkip(): string | false {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'tshark is not installed'
  }
}
