import { assert, type Random } from '@rollcall/core'
import { SequenceExhaustedError } from './errors.ts'
import type { EspKeys } from './keys.ts'
import { HEADER_OCTETS, SEQUENCE_MAX, SEQUENCE_RENEW_AT, TRAILER_OCTETS } from './packet.ts'
import { createSealer, type Sealer } from './transform.ts'

/**
 * One outbound SA: wraps payloads into ESP packets.
 *
 * @see RFC 4303 section 3.3
 */
export class OutboundSa {
  readonly spi: number
  readonly #sealer: Sealer
  #sequence: number

  /** `lastSequence` is the sequence number used last, 0 for a new SA. */
  constructor(o: { spi: number; keys: EspKeys; random: Random; lastSequence?: number }) {
    this.spi = o.spi
    this.#sealer = createSealer(o.keys, o.random)
    this.#sequence = o.lastSequence ?? 0
    assert(this.#sequence >= 0 && this.#sequence <= SEQUENCE_MAX, 'a sequence number has 32 bits')
  }

  /** Whether the set is to be renewed, while this SA can still carry what that takes (RFC 4303 section 3.3.3). */
  get isRenewalDue(): boolean {
    return this.#sequence >= SEQUENCE_RENEW_AT
  }

  /**
   * Makes the packet: SPI, sequence number, IV, encrypted (payload, padding 1, 2, 3 …, pad length, next header), ICV.
   *
   * @throws SequenceExhaustedError rather than to let the sequence number go round.
   */
  seal(payload: Buffer, nextHeader: number): Buffer {
    // guard: sequence-exhausted — a sequence number that comes round is a replay, and repeats a nonce (RFC 4303 section 3.3.3)
    if (this.#sequence >= SEQUENCE_MAX) throw new SequenceExhaustedError(this.spi)
    this.#sequence++

    const { ivOctets, blockOctets, icvOctets } = this.#sealer
    const over = (payload.length + TRAILER_OCTETS) % blockOctets
    const padLength = over === 0 ? 0 : blockOctets - over
    const padAt = HEADER_OCTETS + ivOctets + payload.length
    const trailerAt = padAt + padLength
    const icvAt = trailerAt + TRAILER_OCTETS

    const packet = Buffer.allocUnsafe(icvAt + icvOctets)
    packet.writeUInt32BE(this.spi, 0)
    packet.writeUInt32BE(this.#sequence, 4)
    payload.copy(packet, HEADER_OCTETS + ivOctets)
    for (let i = 0; i < padLength; i++) packet[padAt + i] = i + 1
    packet[trailerAt] = padLength
    packet[trailerAt + 1] = nextHeader
    this.#sealer.seal(packet)
    return packet
  }
}
