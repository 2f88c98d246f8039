import { type ClientMessage, parseClientMessage } from './client-messages.ts'

const HANDSHAKE = 22
const RECORD_HEADER_OCTETS = 5
const MESSAGE_HEADER_OCTETS = 4
/** Longest plaintext of a record (RFC 8446 section 5.1). */
const RECORD_OCTETS_MAX = 16_384
/** `Choice:` longest message that is looked into; a client that says more is left to TLS, without a key. */
const MESSAGE_OCTETS_MAX = 32_768

/**
 * Reads a client's handshake messages out of its records, as they come in pieces. It ends at the first record that is no
 * handshake, and at anything too long or out of form: TLS itself judges that, here it only finds no key.
 *
 * @see RFC 8446 section 5.1, RFC 5246 section 6.2.1
 */
export class HandshakeReader {
  #records: Buffer = Buffer.alloc(0)
  #messages: Buffer = Buffer.alloc(0)
  #isOver = false

  /** The messages that end in `octets`. */
  push(octets: Buffer): ClientMessage[] {
    if (this.#isOver) return []
    this.#records = Buffer.concat([this.#records, octets])
    while (!this.#isOver && this.#records.length >= RECORD_HEADER_OCTETS) {
      const length = this.#records.readUInt16BE(3)
      if (this.#records[0] !== HANDSHAKE || length > RECORD_OCTETS_MAX) this.#isOver = true
      const end = RECORD_HEADER_OCTETS + length
      if (this.#isOver || this.#records.length < end) break
      this.#messages = Buffer.concat([this.#messages, this.#records.subarray(RECORD_HEADER_OCTETS, end)])
      this.#records = this.#records.subarray(end)
    }
    return this.#take()
  }

  #take(): ClientMessage[] {
    const found: ClientMessage[] = []
    while (this.#messages.length >= MESSAGE_HEADER_OCTETS) {
      const length = this.#messages.readUIntBE(1, 3)
      const end = MESSAGE_HEADER_OCTETS + length
      if (length > MESSAGE_OCTETS_MAX) this.#isOver = true
      if (length > MESSAGE_OCTETS_MAX || this.#messages.length < end) break
      const [type = 0] = this.#messages
      found.push(parseClientMessage(type, this.#messages.subarray(MESSAGE_HEADER_OCTETS, end)))
      this.#messages = this.#messages.subarray(end)
    }
    return found
  }
}
