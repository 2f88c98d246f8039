import type { EspKeys } from './keys.ts'
import { HEADER_OCTETS, TRAILER_OCTETS } from './packet.ts'
import { ReplayWindow } from './replay-window.ts'
import { createOpener, type Opener } from './transform.ts'

/** Why an SA does not take a packet. */
export type OpenFailure = 'ESP_MALFORMED' | 'ESP_INTEGRITY' | 'ESP_REPLAY'

/** What came out of a packet. */
export type Opened =
  | {
      readonly ok: true
      readonly nextHeader: number
      /** May share its memory with the packet. */
      readonly payload: Buffer
      /** No packet of this SA with a higher sequence number has come before. */
      readonly isNewest: boolean
    }
  | { readonly ok: false; readonly code: OpenFailure }

/**
 * One inbound SA: checks ESP packets and unwraps them.
 *
 * @see RFC 4303 section 3.4
 */
export class InboundSa {
  readonly spi: number
  readonly #opener: Opener
  readonly #window: ReplayWindow

  /** `replayWindow` is a multiple of 32 up to 4,096, 64 if not given. */
  constructor(o: { spi: number; keys: EspKeys; replayWindow?: number }) {
    this.spi = o.spi
    this.#opener = createOpener(o.keys)
    this.#window = new ReplayWindow(o.replayWindow)
  }

  /**
   * Takes one packet whose SPI is this SA's. The order is that of the RFC: form, replay window, ICV, and only then is
   * the window moved and the padding looked at.
   */
  open(packet: Buffer): Opened {
    const { ivOctets, blockOctets, icvOctets } = this.#opener
    const encryptedOctets = packet.length - HEADER_OCTETS - ivOctets - icvOctets
    if (encryptedOctets < blockOctets || encryptedOctets % blockOctets !== 0) return refuse('ESP_MALFORMED')
    if (packet.readUInt32BE(0) !== this.spi) return refuse('ESP_MALFORMED')

    const sequence = packet.readUInt32BE(4)
    // guard: esp-replay-check — a packet that came before is not taken again (RFC 4303 section 3.4.3)
    if (!this.#window.check(sequence)) return refuse('ESP_REPLAY')
    const plaintext = this.#opener.open(packet)
    if (plaintext === undefined) return refuse('ESP_INTEGRITY')
    const isNewest = sequence > this.#window.top
    this.#window.accept(sequence)

    const payload = removePadding(plaintext)
    if (payload === undefined) return refuse('ESP_MALFORMED')
    return { ok: true, nextHeader: plaintext[plaintext.length - 1] ?? 0, payload, isNewest }
  }
}

/** The plaintext without its trailer; nothing when the padding is not 1, 2, 3 … (RFC 4303 section 2.4). */
function removePadding(plaintext: Buffer): Buffer | undefined {
  const padLength = plaintext[plaintext.length - TRAILER_OCTETS] ?? 0
  const end = plaintext.length - TRAILER_OCTETS - padLength
  if (end < 0) return undefined
  for (let i = 0; i < padLength; i++) {
    if (plaintext[end + i] !== i + 1) return undefined
  }
  return plaintext.subarray(0, end)
}

function refuse(code: OpenFailure): Opened {
  return { ok: false, code }
}
