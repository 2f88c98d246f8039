import assert from 'node:assert/strict'
import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { parseMessage } from '@rollcall/sip'
import { StreamFramer } from './stream-framer.ts'

const LIMITS = { headBytesMax: 16 * 1024, bodyBytesMax: 64 * 1024 }

/** Messages as somebody may write them, each with a CSeq of its own. */
const MESSAGES = [
  ['Content-Length: 0', ''],
  ['l: 5', 'hello'],
  ['CONTENT-LENGTH: 26', 'SIP/2.0 200 OK\r\nVia: x\r\n\r\n'],
  ['Content-Length:  4', '\r\n\r\n'],
  ['X-Content-Length: 9\r\nl:3', 'end'],
].map(([length, body], index) => {
  const head = `NOTIFY sip:a@example.org SIP/2.0\r\nVia: SIP/2.0/TCP a.example.org;branch=z9hG4bK${index}`
  const rest = `From: <sip:b@example.org>;tag=1\r\nTo: <sip:a@example.org>;tag=2\r\nCall-ID: x\r\nCSeq: ${100 + index} NOTIFY`
  return `${head}\r\nMax-Forwards: 70\r\n${rest}\r\nEvent: presence\r\n${length}\r\n\r\n${body}`
})

test('tshark cuts a TCP stream into the same messages, in whatever segments it comes (judge: tshark; RFC 3261 section 18.3)', async (t) => {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' })
  } catch {
    t.skip('tshark is not installed')
    return
  }
  const stream = Buffer.from(MESSAGES.join(''))
  for (const size of [stream.length, 700, 97, 13]) {
    const segments = Array.from({ length: Math.ceil(stream.length / size) }, (_, n) =>
      stream.subarray(n * size, (n + 1) * size),
    )
    const framer = new StreamFramer(LIMITS)
    const ours = segments.flatMap((segment) =>
      framer.push(segment).frames.map((frame) => (frame.kind === 'message' ? cseqOf(frame.bytes) : 'CRLF')),
    )
    assert.deepEqual(ours, ['100', '101', '102', '103', '104'])
    assert.deepEqual(await dissect(t, segments), ours, `segments of ${size}`)
  }
})

function cseqOf(bytes: Buffer): string {
  return parseMessage(bytes).headers.get('CSeq')?.split(' ')[0] ?? ''
}

/** CSeq numbers of the messages that tshark finds in the segments of a TCP connection. */
async function dissect(t: TestContext, segments: readonly Buffer[]): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-sip-net-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'judge.pcap')
  let sequence = 1_000
  const packets = [tcpPacket(sequence++, 0x02, Buffer.alloc(0))]
  for (const segment of segments) {
    packets.push(tcpPacket(sequence, 0x18, segment))
    sequence += segment.length
  }
  await writeFile(file, pcapOf(packets))
  const fields = ['-T', 'fields', '-E', 'occurrence=a', '-e', 'sip.CSeq.seq']
  // A configuration folder of its own: what a person has set up must not judge with it.
  const env = { ...process.env, WIRESHARK_CONFIG_DIR: folder }
  const { stdout } = await promisify(execFile)('tshark', ['-r', file, '-Y', 'sip', ...fields], { env })
  return stdout.split(/[\n,]/).filter((text) => text !== '')
}

/** An IPv4 packet with TCP to port 5060; checksums are left out, which tshark does not mind. */
function tcpPacket(sequence: number, flags: number, payload: Buffer): Buffer {
  const header = Buffer.from('4500000000004000400600007f0100017f000001303913c4000000000000000050000000000000000', 'hex')
  const packet = Buffer.alloc(40)
  header.copy(packet)
  packet.writeUInt16BE(packet.length + payload.length, 2)
  packet.writeUInt32BE(sequence, 24)
  packet.writeUInt8(0x50, 32)
  packet.writeUInt8(flags, 33)
  packet.writeUInt16BE(0xffff, 34)
  return Buffer.concat([packet, payload])
}

/** A capture file of raw IP packets (https://www.tcpdump.org/manpages/pcap-savefile.5.html). */
function pcapOf(packets: readonly Buffer[]): Buffer {
  const header = Buffer.alloc(24)
  header.writeUInt32LE(0xa1b2c3d4, 0)
  header.writeUInt16LE(2, 4)
  header.writeUInt16LE(4, 6)
  header.writeUInt32LE(0xffff, 16)
  header.writeUInt32LE(101, 20)
  const records = packets.flatMap((packet, index) => {
    const record = Buffer.alloc(16)
    record.writeUInt32LE(index, 0)
    record.writeUInt32LE(packet.length, 8)
    record.writeUInt32LE(packet.length, 12)
    return [record, packet]
  })
  return Buffer.concat([header, ...records])
}
