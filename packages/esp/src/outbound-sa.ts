import { assert, type Random } from '@rollcall/core'
import { createEncryptor, type Encryptor } from './encryption.ts'
import { SequenceExhaustedError } from './errors.ts'
import { ICV_OCTETS, Integrity } from './integrity.ts'
import type { EspKeys } from './keys.ts'
import { HEADER_OCTETS, SEQUENCE_MAX, TRAILER_OCTETS } from './packet.ts'

/**
 * One outbound SA: wraps payloads into ESP packets.
 *
 * @see RFC 4303 section 3.3
 */
export class OutboundSa {
  readonly spi: number
  readonly #integrity: Integrity
  readonly #encryptor: Encryptor
  #sequence: number

  /** `lastSequence` is the sequence number used last, 0 for a new SA. */
  constructor(o: { spi: number; keys: EspKeys; random: Random; lastSequence?: number }) {
    this.spi = o.spi
    this.#integrity = new Integrity(o.keys)
    this.#encryptor = createEncryptor(o.keys, o.random)
    this.#sequence = o.lastSequence ?? 0
    assert(this.#sequence >= 0 && this.#sequence <= SEQUENCE_MAX, 'a sequence number has 32 bits')
  }

  /**
   * Makes the packet: SPI, sequence number, IV, encrypted (payload, padding 1, 2, 3 …, pad length, next header), ICV.
   *
   * @throws SequenceExhaustedError rather than to let the sequence number go round.
   */
  seal(payload: Buffer, nextHeader: number): Buffer {
    if (this.#sequence >= SEQUENCE_MAX) throw new SequenceExhaustedError(this.spi)
    this.#sequence++

    const { ivOctets, blockOctets } = this.#encryptor
    const over = (payload.length + TRAILER_OCTETS) % blockOctets
    const padLength = over === 0 ? 0 : blockOctets - over
    const padAt = HEADER_OCTETS + ivOctets + payload.length
    const trailerAt = padAt + padLength
    const icvAt = trailerAt + TRAILER_OCTETS

    const packet = Buffer.allocUnsafe(icvAt + ICV_OCTETS)
    packet.writeUInt32BE(this.spi, 0)
    packet.writeUInt32BE(this.#sequence, 4)
    payload.copy(packet, HEADER_OCTETS + ivOctets)
    for (let i = 0; i < padLength; i++) packet[padAt + i] = i + 1
    packet[trailerAt] = padLength
    packet[trailerAt + 1] = nextHeader
    this.#encryptor.encrypt(packet.subarray(HEADER_OCTETS, icvAt))
    this.#integrity.write(packet, icvAt)
    return packet
  }
}
