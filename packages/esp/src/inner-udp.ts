import { assert } from '@rollcall/core'
import { addWords, foldChecksum } from './checksum.ts'

const IPV4_HEADER_OCTETS = 20
const UDP_HEADER_OCTETS = 8
/** IPv4 and UDP headers in front of the payload. */
const INNER_HEADERS_OCTETS = IPV4_HEADER_OCTETS + UDP_HEADER_OCTETS
/** The most that fits into an IPv4 packet. */
const PAYLOAD_OCTETS_MAX = 0xffff - INNER_HEADERS_OCTETS

const PROTOCOL_UDP = 17
const TTL = 64
const DONT_FRAGMENT = 0x4000
/** More fragments, or an offset. */
const FRAGMENT_MASK = 0x3fff

/** An address, as `parseIpv4` gives it, and a UDP port. */
export interface Ipv4Endpoint {
  readonly address: number
  readonly port: number
}

/** One UDP datagram with what its headers say. */
export interface InnerUdp {
  readonly source: Ipv4Endpoint
  readonly destination: Ipv4Endpoint
  readonly payload: Buffer
}

/**
 * Builds the inner packet of tunnel mode: IPv4 and UDP headers with right checksums, and the payload.
 *
 * It is not to be fragmented, and so its identification may be 0 (RFC 6864 section 4.1).
 *
 * @see RFC 791 section 3.1, RFC 768; TS 33.203 annex M.7.1
 */
export function buildInnerUdp(o: InnerUdp): Buffer {
  assert(o.payload.length <= PAYLOAD_OCTETS_MAX, 'the payload fits into an IPv4 packet')
  const packet = Buffer.allocUnsafe(INNER_HEADERS_OCTETS + o.payload.length)
  packet.writeUInt16BE(0x4500, 0)
  packet.writeUInt16BE(packet.length, 2)
  packet.writeUInt16BE(0, 4)
  packet.writeUInt16BE(DONT_FRAGMENT, 6)
  packet.writeUInt8(TTL, 8)
  packet.writeUInt8(PROTOCOL_UDP, 9)
  packet.writeUInt16BE(0, 10)
  packet.writeUInt32BE(o.source.address, 12)
  packet.writeUInt32BE(o.destination.address, 16)
  packet.writeUInt16BE(foldChecksum(addWords(0, packet.subarray(0, IPV4_HEADER_OCTETS))), 10)

  packet.writeUInt16BE(o.source.port, 20)
  packet.writeUInt16BE(o.destination.port, 22)
  packet.writeUInt16BE(UDP_HEADER_OCTETS + o.payload.length, 24)
  packet.writeUInt16BE(0, 26)
  o.payload.copy(packet, INNER_HEADERS_OCTETS)
  const checksum = udpChecksum(packet, IPV4_HEADER_OCTETS)
  // A checksum that comes out as zero is sent as all ones: zero means that there is none.
  packet.writeUInt16BE(checksum === 0 ? 0xffff : checksum, 26)
  return packet
}

/**
 * Reads the inner packet of tunnel mode. Gives nothing when it is anything but one whole UDP datagram in IPv4: another
 * version or protocol, a fragment, lengths that do not fit (also octets behind the packet: traffic flow padding is not
 * negotiated here), or a wrong checksum. A UDP checksum of 0 means that the sender made none.
 *
 * The payload shares its memory with `packet`.
 *
 * @see RFC 791 section 3.1, RFC 768, RFC 4303 section 2.7
 */
export function parseInnerUdp(packet: Buffer): InnerUdp | undefined {
  if (packet.length < INNER_HEADERS_OCTETS) return undefined
  const versionAndLength = packet.readUInt8(0)
  const headerOctets = (versionAndLength & 0x0f) * 4
  if (versionAndLength >>> 4 !== 4 || headerOctets < IPV4_HEADER_OCTETS) return undefined
  if (packet.readUInt16BE(2) !== packet.length || headerOctets + UDP_HEADER_OCTETS > packet.length) return undefined
  if ((packet.readUInt16BE(6) & FRAGMENT_MASK) !== 0 || packet.readUInt8(9) !== PROTOCOL_UDP) return undefined
  if (foldChecksum(addWords(0, packet.subarray(0, headerOctets))) !== 0) return undefined

  if (packet.readUInt16BE(headerOctets + 4) !== packet.length - headerOctets) return undefined
  if (packet.readUInt16BE(headerOctets + 6) !== 0 && udpChecksum(packet, headerOctets) !== 0) return undefined
  return {
    source: { address: packet.readUInt32BE(12), port: packet.readUInt16BE(headerOctets) },
    destination: { address: packet.readUInt32BE(16), port: packet.readUInt16BE(headerOctets + 2) },
    payload: packet.subarray(headerOctets + UDP_HEADER_OCTETS),
  }
}

/** Over the pseudo header (both addresses, protocol, UDP length) and everything from the UDP header on (RFC 768). */
function udpChecksum(packet: Buffer, udpAt: number): number {
  const pseudo = addWords(PROTOCOL_UDP + packet.length - udpAt, packet.subarray(12, 20))
  return foldChecksum(addWords(pseudo, packet.subarray(udpAt)))
}
