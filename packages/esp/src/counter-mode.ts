import { createCipheriv, createDecipheriv, timingSafeEqual } from 'node:crypto'
import type { EspKeys } from './keys.ts'
import { HEADER_OCTETS } from './packet.ts'

/** AES with a key of 128 bits in Galois/counter mode. */
const CIPHER = 'aes-128-gcm'
/** The explicit part of the nonce (RFC 4106 section 3.1, RFC 4543 section 3.1). */
export const COUNTER_IV_OCTETS = 8
/** The full tag, the variant that TS 33.210 names. */
export const COUNTER_ICV_OCTETS = 16
const TAG = { authTagLength: COUNTER_ICV_OCTETS }

/** Where the encrypted, or with GMAC the authenticated, part begins. */
const TEXT_AT = HEADER_OCTETS + COUNTER_IV_OCTETS

/**
 * Writes the IV of a packet whose SPI and sequence number stand in it: the two themselves.
 *
 * With one nonce twice under one key GCM gives away both plaintexts and the key of its integrity check. The four SAs of a
 * set share key *and* salt, at both ends, so that a counter at each end, from 1 on, would repeat at once. Here the upper half of
 * the IV belongs to one SA alone, since the four SPIs of a set are apart (`checkSaSet`), and the lower half never
 * comes back, since a sequence number does not (`SequenceExhaustedError`). No state is kept, nothing is drawn at random, and
 * a peer that counts from 0 or 1 keeps to an upper half that is no SPI. A set of one AKA run is made once: to install its
 * keys a second time would count from 1 again.
 *
 * @see RFC 4106 section 3.1, RFC 4543 section 3.1; TS 33.203 annex I says nothing about it
 */
function writeIv(packet: Buffer): void {
  // guard: counter-iv — an IV that comes twice under the key that four SAs share gives the plaintexts away (RFC 4106 section 3.1)
  packet.copy(packet, HEADER_OCTETS, 0, COUNTER_IV_OCTETS)
}

/** The salt and the IV of `packet` (RFC 4106 section 4). */
function nonceOf(keys: EspKeys, packet: Buffer): Buffer {
  return Buffer.concat([keys.salt.reveal(), packet.subarray(HEADER_OCTETS, TEXT_AT)])
}

/**
 * Encrypts with AES-GCM and adds the ICV, in place: SPI and sequence number are authenticated with the text.
 *
 * @see RFC 4106 section 5 and RFC 4106 section 6
 */
export function sealGcm(keys: EspKeys, packet: Buffer): void {
  writeIv(packet)
  const icvAt = packet.length - COUNTER_ICV_OCTETS
  const cipher = createCipheriv(CIPHER, keys.encryptionKey.reveal(), nonceOf(keys, packet), TAG)
  cipher.setAAD(packet.subarray(0, HEADER_OCTETS))
  cipher.update(packet.subarray(TEXT_AT, icvAt)).copy(packet, TEXT_AT)
  cipher.final()
  cipher.getAuthTag().copy(packet, icvAt)
}

/** The plaintext of what `sealGcm` gave; nothing when the ICV is wrong. */
export function openGcm(keys: EspKeys, packet: Buffer): Buffer | undefined {
  const icvAt = packet.length - COUNTER_ICV_OCTETS
  const decipher = createDecipheriv(CIPHER, keys.encryptionKey.reveal(), nonceOf(keys, packet), TAG)
  decipher.setAAD(packet.subarray(0, HEADER_OCTETS)).setAuthTag(packet.subarray(icvAt))
  const plaintext = decipher.update(packet.subarray(TEXT_AT, icvAt))
  try {
    // guard: gcm-icv — what comes out is nothing until the ICV is right (RFC 4106 section 6)
    decipher.final()
  } catch {
    return undefined
  }
  return plaintext
}

/**
 * Adds the ICV of AES-GMAC to a packet that stays readable: over everything before it, IV included.
 *
 * @see RFC 4543 section 3.2 and RFC 4543 section 3.3
 */
export function sealGmac(keys: EspKeys, packet: Buffer): void {
  writeIv(packet)
  gmacOf(keys, packet).copy(packet, packet.length - COUNTER_ICV_OCTETS)
}

/** The text of a packet with a right ICV of AES-GMAC, nothing of another. */
export function openGmac(keys: EspKeys, packet: Buffer): Buffer | undefined {
  const icvAt = packet.length - COUNTER_ICV_OCTETS
  // guard: gmac-icv — a packet without a right ICV is nobody’s (RFC 4543 section 3.4)
  if (!timingSafeEqual(gmacOf(keys, packet), packet.subarray(icvAt))) return undefined
  return packet.subarray(TEXT_AT, icvAt)
}

function gmacOf(keys: EspKeys, packet: Buffer): Buffer {
  const cipher = createCipheriv(CIPHER, keys.integrityKey.reveal(), nonceOf(keys, packet), TAG)
  cipher.setAAD(packet.subarray(0, packet.length - COUNTER_ICV_OCTETS))
  cipher.final()
  return cipher.getAuthTag()
}
