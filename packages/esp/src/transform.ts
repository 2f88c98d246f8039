import type { Random } from '@rollcall/core'
import { COUNTER_ICV_OCTETS, COUNTER_IV_OCTETS, openGcm, openGmac, sealGcm, sealGmac } from './counter-mode.ts'
import { ALIGNMENT_OCTETS, createDecryptor, createEncryptor, type Encryptor } from './encryption.ts'
import { HMAC_ICV_OCTETS, Integrity } from './integrity.ts'
import type { EspKeys } from './keys.ts'
import { HEADER_OCTETS } from './packet.ts'

/** How a transform lays out a packet behind its header. */
interface Layout {
  readonly ivOctets: number
  /** The text, trailer included, is a multiple of this. */
  readonly blockOctets: number
  readonly icvOctets: number
}

/** Protects the packets of one outbound SA. */
export interface Sealer extends Layout {
  /** In place: `packet` is the header, room for the IV, the text with its trailer, room for the ICV. */
  seal(packet: Buffer): void
}

/** Checks and decrypts the packets of one inbound SA. */
export interface Opener extends Layout {
  /** The text with its trailer; nothing when the ICV is wrong. The lengths of `packet` fit. */
  open(packet: Buffer): Buffer | undefined
}

const COUNTER_LAYOUT: Layout = {
  ivOctets: COUNTER_IV_OCTETS,
  blockOctets: ALIGNMENT_OCTETS,
  icvOctets: COUNTER_ICV_OCTETS,
}

/** The protecting side of `keys`; `random` is for the IVs of CBC. */
export function createSealer(keys: EspKeys, random: Random): Sealer {
  if (keys.encryption === 'aes-gcm') return { ...COUNTER_LAYOUT, seal: (packet) => sealGcm(keys, packet) }
  if (keys.integrity === 'aes-gmac') return { ...COUNTER_LAYOUT, seal: (packet) => sealGmac(keys, packet) }
  const encryptor = createEncryptor(keys, random)
  const integrity = new Integrity(keys)
  return {
    ...hmacLayout(encryptor),
    seal(packet) {
      const icvAt = packet.length - HMAC_ICV_OCTETS
      encryptor.encrypt(packet.subarray(HEADER_OCTETS, icvAt))
      integrity.write(packet, icvAt)
    },
  }
}

/** The checking side of `keys`. */
export function createOpener(keys: EspKeys): Opener {
  if (keys.encryption === 'aes-gcm') return { ...COUNTER_LAYOUT, open: (packet) => openGcm(keys, packet) }
  if (keys.integrity === 'aes-gmac') return { ...COUNTER_LAYOUT, open: (packet) => openGmac(keys, packet) }
  const decryptor = createDecryptor(keys)
  const integrity = new Integrity(keys)
  return {
    ...hmacLayout(decryptor),
    open(packet) {
      const icvAt = packet.length - HMAC_ICV_OCTETS
      // guard: esp-integrity — a packet without a right ICV is nobody’s (RFC 4303 section 3.4.4)
      if (!integrity.check(packet, icvAt)) return undefined
      return decryptor.decrypt(packet.subarray(HEADER_OCTETS, icvAt))
    },
  }
}

function hmacLayout({ ivOctets, blockOctets }: Pick<Encryptor, 'ivOctets' | 'blockOctets'>): Layout {
  return { ivOctets, blockOctets, icvOctets: HMAC_ICV_OCTETS }
}
