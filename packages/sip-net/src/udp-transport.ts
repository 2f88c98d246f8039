import { createSocket, type Socket } from 'node:dgram'
import { isIP } from 'node:net'
import { BindFailedError, DatagramTooLargeError, TransportClosedError } from './errors.ts'
import type { SocketAddress } from './socket-address.ts'

export interface UdpTransportOptions {
  /** The IP address to listen on. */
  readonly address: string
  /** 0 lets the system choose. */
  readonly port: number
  /** Longest datagram sent or taken, in octets. */
  readonly bytesMax?: number
  /** A datagram was not taken: it is too long or comes from port 0, to which nothing can be answered. */
  readonly onDrop?: (reason: 'too-large' | 'port-zero', remote: SocketAddress) => void
  /** The system refused to send, or reports an error of the socket; the transport goes on. */
  readonly onError?: (error: Error) => void
}

/** What one UDP datagram over IPv4 can carry. */
export const UDP_BYTES_MAX = 65_507

/**
 * Choice: what the kernel holds for us while we are busy; some 3,000 messages. Linux takes less when `rmem_max` is
 * lower.
 */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024

/**
 * SIP over one UDP socket: a datagram is a message, sent from and taken on one address and port.
 *
 * Throws at its public door. Addresses are IP addresses: no name is looked up here.
 *
 * @see RFC 3261 section 18
 */
export class UdpTransport implements AsyncDisposable {
  /** Where it listens; the port is the real one, also when 0 was asked for. */
  readonly local: SocketAddress
  /** Called with each datagram; until it is set, they are dropped. */
  onMessage: (bytes: Buffer, remote: SocketAddress) => void = () => {}

  readonly #socket: Socket
  readonly #bytesMax: number
  readonly #onError: (error: Error) => void
  /** One for all: a datagram is sent too often for a closure each. */
  readonly #sent = (error: Error | null): void => {
    if (error) this.#onError(error)
  }
  #closing: Promise<void> | undefined

  private constructor(socket: Socket, options: UdpTransportOptions) {
    const { address, port } = socket.address()
    this.local = { address, port }
    this.#socket = socket
    this.#bytesMax = options.bytesMax ?? UDP_BYTES_MAX
    this.#onError = options.onError ?? (() => {})
    socket.on('error', this.#onError)
    socket.on('message', (bytes, remote) => {
      if (bytes.length > this.#bytesMax) options.onDrop?.('too-large', remote)
      else if (remote.port === 0) options.onDrop?.('port-zero', remote)
      else this.onMessage(bytes, remote)
    })
  }

  /** @throws BindFailedError */
  static async bind(options: UdpTransportOptions): Promise<UdpTransport> {
    const { address, port } = options
    const family = isIP(address)
    if (family === 0) throw new BindFailedError('udp', address, port, new Error('not an IP address'))
    const socket = createSocket({
      type: family === 4 ? 'udp4' : 'udp6',
      recvBufferSize: RECEIVE_BUFFER_BYTES,
      // Node asks the resolver even for addresses, which costs a turn of the event loop a message.
      lookup: (host, _options, callback) => callback(null, host, isIP(host)),
    })
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject)
        socket.bind({ address, port, exclusive: true }, resolve)
      })
    } catch (error) {
      socket.close()
      throw new BindFailedError('udp', address, port, error)
    }
    socket.removeAllListeners('error')
    return new UdpTransport(socket, options)
  }

  /**
   * Sends one datagram. What the network loses is lost; what the system refuses goes to `onError`.
   *
   * @throws DatagramTooLargeError, TransportClosedError
   */
  send(bytes: Buffer, to: SocketAddress): void {
    if (this.#closing) throw new TransportClosedError()
    if (bytes.length > this.#bytesMax) throw new DatagramTooLargeError(bytes.length, this.#bytesMax)
    this.#socket.send(bytes, to.port, to.address, this.#sent)
  }

  /** Stops listening; what was sent before still leaves. Closing twice is closing once. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => this.#socket.close(() => resolve()))
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
