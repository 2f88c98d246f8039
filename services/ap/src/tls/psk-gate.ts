import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { ClientMessage } from './client-messages.ts'
import { HandshakeReader } from './handshake-reader.ts'

/** Looks at a message of the client before TLS gets it; TLS gets it when the promise is fulfilled. */
export type Inspect = (message: ClientMessage) => Promise<void>

/**
 * The octets of a connection on their way to TLS. TLS asks for a key and wants it at once, while the key must be fetched:
 * so the message that names it is read here first, and held back until the key is there.
 */
export class PskGate extends Duplex {
  readonly #socket: Socket
  readonly #inspect: Inspect
  readonly #onProblem: (error: unknown) => void
  readonly #reader = new HandshakeReader()

  constructor(socket: Socket, inspect: Inspect, onProblem: (error: unknown) => void) {
    super()
    this.#onProblem = onProblem
    this.#socket = socket
    this.#inspect = inspect
    socket.on('data', (octets: Buffer) => {
      socket.pause()
      void this.#pass(octets)
    })
    socket.once('end', () => this.push(null))
    socket.once('close', () => this.destroy())
    socket.on('error', () => this.destroy())
    socket.pause()
  }

  override _read(): void {
    this.#socket.resume()
  }

  override _write(octets: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(octets, done)
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy()
    done(error)
  }

  async #pass(octets: Buffer): Promise<void> {
    try {
      for (const message of this.#reader.push(octets)) await this.#inspect(message)
    } catch (error) {
      // Nobody expected it; it must end this connection and no other.
      this.#onProblem(error)
      this.destroy()
      return
    }
    if (!this.destroyed && this.push(octets)) this.#socket.resume()
  }
}
