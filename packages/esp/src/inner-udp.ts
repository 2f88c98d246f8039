import { assert } from '@rollcall/core'
import { addWords, foldChecksum } from './checksum.ts'
import { type IpAddress, isIpv6 } from './ip-address.ts'
import { NEXT_HEADER_IPV4, NEXT_HEADER_IPV6 } from './packet.ts'

const IPV4_HEADER_OCTETS = 20
const IPV6_HEADER_OCTETS = 40
const UDP_HEADER_OCTETS = 8
/** The most that fits into an IP packet of either version. */
const PAYLOAD_OCTETS_MAX = 0xffff - IPV4_HEADER_OCTETS - UDP_HEADER_OCTETS

const PROTOCOL_UDP = 17
/** TTL and hop limit. */
const HOPS = 64
const DONT_FRAGMENT = 0x4000
/** More fragments, or an offset. */
const FRAGMENT_MASK = 0x3fff

/** An address and a UDP port. */
export interface IpEndpoint {
  readonly address: IpAddress
  readonly port: number
}

/** One UDP datagram with what its headers say. */
export interface InnerUdp {
  readonly source: IpEndpoint
  readonly destination: IpEndpoint
  readonly payload: Buffer
}

/**
 * Builds the inner packet of tunnel mode: IPv4 or IPv6 and UDP headers with right checksums, and the payload. Both
 * addresses are of one version.
 *
 * An IPv4 packet is not to be fragmented, and so its identification may be 0 (RFC 6864 section 4.1).
 *
 * @see RFC 791 section 3.1, RFC 8200 section 3, RFC 768; TS 33.203 annex M.7.1
 */
export function buildInnerUdp(o: InnerUdp): Buffer {
  assert(o.payload.length <= PAYLOAD_OCTETS_MAX, 'the payload fits into an IP packet')
  assert(o.source.address.length === o.destination.address.length, 'both addresses are of one version')
  const udpAt = isIpv6(o.source.address) ? IPV6_HEADER_OCTETS : IPV4_HEADER_OCTETS
  const packet = Buffer.allocUnsafe(udpAt + UDP_HEADER_OCTETS + o.payload.length)
  if (udpAt === IPV6_HEADER_OCTETS) writeIpv6Header(packet, o)
  else writeIpv4Header(packet, o)

  packet.writeUInt16BE(o.source.port, udpAt)
  packet.writeUInt16BE(o.destination.port, udpAt + 2)
  packet.writeUInt16BE(packet.length - udpAt, udpAt + 4)
  packet.writeUInt16BE(0, udpAt + 6)
  o.payload.copy(packet, udpAt + UDP_HEADER_OCTETS)
  const checksum = udpChecksum(packet, udpAt, addressesOf(packet))
  // A checksum that comes out as zero is sent as all ones: zero means that there is none.
  packet.writeUInt16BE(checksum === 0 ? 0xffff : checksum, udpAt + 6)
  return packet
}

/** What the next header field of ESP says of an inner packet with this address. */
export function tunnelHeaderOf(address: IpAddress): number {
  return isIpv6(address) ? NEXT_HEADER_IPV6 : NEXT_HEADER_IPV4
}

/**
 * Reads the inner packet of tunnel mode, which ESP says to be `nextHeader`. Gives nothing when it is anything but one whole
 * UDP datagram in IP of that version: another protocol or an extension header, a fragment, lengths that do not fit (also
 * octets behind the packet: traffic flow padding is not negotiated here), or a wrong checksum. In IPv4 a UDP checksum of 0
 * means that the sender made none; in IPv6 there must be one (RFC 8200 section 8.1).
 *
 * The payload shares its memory with `packet`.
 *
 * @see RFC 791 section 3.1, RFC 8200 section 3, RFC 768, RFC 4303 section 2.7
 */
export function parseInnerUdp(packet: Buffer, nextHeader: number = NEXT_HEADER_IPV4): InnerUdp | undefined {
  const udpAt = nextHeader === NEXT_HEADER_IPV6 ? readIpv6Header(packet) : readIpv4Header(packet)
  if (udpAt === undefined || packet.readUInt16BE(udpAt + 4) !== packet.length - udpAt) return undefined
  const addresses = addressesOf(packet)
  const hasChecksum = packet.readUInt16BE(udpAt + 6) !== 0
  if (!hasChecksum && nextHeader === NEXT_HEADER_IPV6) return undefined
  if (hasChecksum && udpChecksum(packet, udpAt, addresses) !== 0) return undefined
  const half = addresses.length / 2
  return {
    source: { address: addresses.subarray(0, half), port: packet.readUInt16BE(udpAt) },
    destination: { address: addresses.subarray(half), port: packet.readUInt16BE(udpAt + 2) },
    payload: packet.subarray(udpAt + UDP_HEADER_OCTETS),
  }
}

function writeIpv4Header(packet: Buffer, o: InnerUdp): void {
  packet.writeUInt16BE(0x4500, 0)
  packet.writeUInt16BE(packet.length, 2)
  packet.writeUInt16BE(0, 4)
  packet.writeUInt16BE(DONT_FRAGMENT, 6)
  packet.writeUInt8(HOPS, 8)
  packet.writeUInt8(PROTOCOL_UDP, 9)
  packet.writeUInt16BE(0, 10)
  o.source.address.copy(packet, 12)
  o.destination.address.copy(packet, 16)
  packet.writeUInt16BE(foldChecksum(addWords(0, packet.subarray(0, IPV4_HEADER_OCTETS))), 10)
}

function writeIpv6Header(packet: Buffer, o: InnerUdp): void {
  packet.writeUInt32BE(0x6000_0000, 0)
  packet.writeUInt16BE(packet.length - IPV6_HEADER_OCTETS, 4)
  packet.writeUInt8(PROTOCOL_UDP, 6)
  packet.writeUInt8(HOPS, 7)
  o.source.address.copy(packet, 8)
  o.destination.address.copy(packet, 24)
}

/** Where UDP begins, when this is a whole IPv4 packet that carries it. */
function readIpv4Header(packet: Buffer): number | undefined {
  if (packet.length < IPV4_HEADER_OCTETS + UDP_HEADER_OCTETS) return undefined
  const versionAndLength = packet.readUInt8(0)
  const headerOctets = (versionAndLength & 0x0f) * 4
  if (versionAndLength >>> 4 !== 4 || headerOctets < IPV4_HEADER_OCTETS) return undefined
  if (packet.readUInt16BE(2) !== packet.length || headerOctets + UDP_HEADER_OCTETS > packet.length) return undefined
  if ((packet.readUInt16BE(6) & FRAGMENT_MASK) !== 0 || packet.readUInt8(9) !== PROTOCOL_UDP) return undefined
  return foldChecksum(addWords(0, packet.subarray(0, headerOctets))) === 0 ? headerOctets : undefined
}

/** The same for IPv6. `Choice:` no extension header: nobody has reason to send one in an SA for SIP. */
function readIpv6Header(packet: Buffer): number | undefined {
  if (packet.length < IPV6_HEADER_OCTETS + UDP_HEADER_OCTETS || packet.readUInt8(0) >>> 4 !== 6) return undefined
  if (packet.readUInt16BE(4) !== packet.length - IPV6_HEADER_OCTETS) return undefined
  return packet.readUInt8(6) === PROTOCOL_UDP ? IPV6_HEADER_OCTETS : undefined
}

/** Source and destination address, one behind the other, of a packet whose header is right. */
function addressesOf(packet: Buffer): Buffer {
  return packet.readUInt8(0) >>> 4 === 6 ? packet.subarray(8, IPV6_HEADER_OCTETS) : packet.subarray(12, 20)
}

/** Over the pseudo header (both addresses, protocol, UDP length) and everything from the UDP header on (RFC 768). */
function udpChecksum(packet: Buffer, udpAt: number, addresses: Buffer): number {
  const pseudo = addWords(PROTOCOL_UDP + packet.length - udpAt, addresses)
  return foldChecksum(addWords(pseudo, packet.subarray(udpAt)))
}
