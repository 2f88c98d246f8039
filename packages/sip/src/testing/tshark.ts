import { execFile, execFileSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** Between several values of one field: in none of them. */
const AGGREGATOR = '\x02'
const SEPARATOR = '\x01'

/** What tshark reads out of a message: the values of each field asked for, in their order. */
export type Dissected<Field extends string> = Readonly<Record<Field, readonly string[]>>

/** Has tshark read messages, each as one UDP datagram to port 5060. */
export async function dissectSip<Field extends string>(
  messages: readonly Buffer[],
  fields: readonly Field[],
): Promise<Dissected<Field>[]> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-sip-'))
  try {
    const file = join(folder, 'judge.pcap')
    await writeFile(file, pcapOf(messages.map(udpPacket)))
    const args = [
      ...['-r', file, '-T', 'fields', '-E', `separator=${SEPARATOR}`, '-E', 'occurrence=a'],
      ...['-E', `aggregator=${AGGREGATOR}`, ...fields.flatMap((field) => ['-e', field])],
    ]
    // A configuration folder of its own: what a person has set up must not judge with it.
    const env = { ...process.env, WIRESHARK_CONFIG_DIR: folder }
    const { stdout } = await promisify(execFile)('tshark', args, { env })
    const rows = stdout.split('\n').slice(0, messages.length)
    return rows.map((row) => readRow(row, fields))
  } finally {
    await rm(folder, { recursive: true })
  }
}

function readRow<Field extends string>(row: string, fields: readonly Field[]): Dissected<Field> {
  const values = row.split(SEPARATOR)
  const found: Partial<Record<Field, readonly string[]>> = {}
  fields.forEach((field, index) => {
    const value = values[index] ?? ''
    found[field] = value === '' ? [] : value.split(AGGREGATOR)
  })
  // Each field asked for has been set.
  return found as Record<Field, readonly string[]>
}

/** An IPv4 packet with UDP; checksums are left out, which tshark does not mind. */
function udpPacket(payload: Buffer): Buffer {
  const header = Buffer.from('4500000000004000401100007f0100017f000001303913c400000000', 'hex')
  header.writeUInt16BE(header.length + payload.length, 2)
  header.writeUInt16BE(8 + payload.length, 24)
  return Buffer.concat([header, payload])
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

/** Why there can be no judgement here; false when there can. */
export function reasonWithoutTshark(): string | false {
  try {
    execFileSync('tshark', ['--version'], { stdio: 'ignore' })
    return false
  } catch {
    return 'tshark is not installed'
  }
}
