/** SPI and sequence number (RFC 4303 section 2). */
export const HEADER_OCTETS = 8
/** Pad length and next header, behind the padding. */
export const TRAILER_OCTETS = 2

/** IPv4 in ESP: tunnel mode. */
export const NEXT_HEADER_IPV4 = 4
/** IPv6 in ESP: tunnel mode. */
export const NEXT_HEADER_IPV6 = 41
/** UDP in ESP: transport mode. */
export const NEXT_HEADER_UDP = 17
/** A dummy packet, to be dropped without a word (RFC 4303 section 2.6). */
export const NEXT_HEADER_NONE = 59

/** The highest sequence number of an SA without extended sequence numbers. */
export const SEQUENCE_MAX = 0xffff_ffff
/**
 * From here on the set is to be renewed. `Choice:` a million packets before the end: hours of a busy UE, so that there is
 * time for a re-registration over the very SA that runs out (RFC 4303 section 3.3.3).
 */
export const SEQUENCE_RENEW_AT = SEQUENCE_MAX - 2 ** 20

/** The SPI of a packet, or nothing when it is too short to have one. */
export function readSpi(packet: Buffer): number | undefined {
  return packet.length < HEADER_OCTETS ? undefined : packet.readUInt32BE(0)
}
