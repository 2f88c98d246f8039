import { createServer, isIP, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TLSSocket, type Server as TlsServer } from 'node:tls'
import type { Clock, Random } from '@rollcall/core'
import { ConnectionBook } from './connection-book.ts'
import { type Dialer, dial } from './dial.ts'
import { BindFailedError, ConnectionsFullError, PeerAwayError, TransportClosedError } from './errors.ts'
import { peerCertificateOf } from './peer-certificate.ts'
import type { Resolver } from './resolver.ts'
import type { SocketAddress } from './socket-address.ts'
import { StreamConnection } from './stream-connection.ts'
import { DEFAULT_STREAM_LIMITS, type StreamLimits } from './stream-limits.ts'
import { type StreamTarget, targetName } from './stream-target.ts'
import { type TlsSource, tlsServerOptions } from './tls-options.ts'

/** Why a connection was not taken. Few values: it is a label. */
export type RefusedReason = 'connections-full' | 'address-full' | 'handshake'

export interface StreamTransportOptions {
  readonly clock: Clock
  readonly random: Random
  readonly resolver: Resolver
  /** With it the connections are TLS, with certificates on both sides; without it they are TCP. */
  readonly tls?: TlsSource
  readonly limits?: Partial<StreamLimits>
  /** Where connections of ours come from; without it the system chooses. */
  readonly localAddress?: string | undefined
  /** A connection is there, of either direction: set its `onMessage`, or close it. Outbound ones are not open yet. */
  readonly onConnection: (connection: StreamConnection) => void
  /** One was not taken: `detail` is for the log. */
  readonly onRefused?: (reason: RefusedReason, remote: SocketAddress, detail: string) => void
}

/**
 * SIP over TCP, or over TLS: listeners, and connections that are opened when they are needed and used again.
 *
 * @see RFC 3261 sections 18.1.1, 18.2.1 and 26.3.1; RFC 5923
 */
export class StreamTransport implements AsyncDisposable {
  readonly transport: 'TCP' | 'TLS'
  readonly #o: StreamTransportOptions
  readonly #limits: StreamLimits
  readonly #book: ConnectionBook
  readonly #dialer: Dialer
  readonly #servers: Server[] = []
  #isClosed = false

  constructor(options: StreamTransportOptions) {
    const { clock, random, tls, resolver, localAddress } = options
    this.#o = options
    this.transport = tls ? 'TLS' : 'TCP'
    this.#limits = { ...DEFAULT_STREAM_LIMITS, ...options.limits }
    this.#book = new ConnectionBook({ clock, random, limits: this.#limits })
    this.#dialer = { resolver, tls, connectMs: this.#limits.connectMs, clock, localAddress }
  }

  /** Connections there are now, of both directions. */
  get size(): number {
    return this.#book.size
  }

  /** Begins to take connections; where, with the real port when 0 was asked for. @throws BindFailedError */
  async listen({ address, port }: SocketAddress): Promise<SocketAddress> {
    const name = this.transport === 'TLS' ? 'tls' : 'tcp'
    if (isIP(address) === 0) throw new BindFailedError(name, address, port, new Error('not an IP address'))
    const server = this.#o.tls ? this.#tlsServer(this.#o.tls) : createServer((socket) => this.#takePlain(socket))
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen({ host: address, port, exclusive: true }, resolve)
      })
    } catch (error) {
      throw new BindFailedError(name, address, port, error)
    }
    server.removeAllListeners('error')
    server.on('error', () => {})
    this.#servers.push(server)
    const bound = server.address()
    return { address, port: typeof bound === 'object' && bound ? bound.port : port }
  }

  /**
   * The connection to `target`: the one that there is, also one that the peer opened and gave as its alias, else a new one,
   * which takes messages at once and sends them when it is open.
   *
   * @throws PeerAwayError within the back-off behind a failure, ConnectionsFullError, TransportClosedError
   */
  connect(target: StreamTarget): StreamConnection {
    if (this.#isClosed) throw new TransportClosedError()
    const name = targetName(target)
    const known = this.#book.find(name)
    if (known) return known
    const awayMs = this.#book.awayMs(name)
    if (awayMs > 0) throw new PeerAwayError(awayMs)
    if (this.#book.size >= this.#limits.connectionsMax) throw new ConnectionsFullError(this.#limits.connectionsMax)
    const connection = this.#create(false)
    this.#book.add(connection)
    this.#book.use(name, connection)
    this.#o.onConnection(connection)
    void this.#open(connection, target)
    return connection
  }

  /** Whether a connection to `target` is open, or nothing speaks against one. */
  isAway(target: StreamTarget): boolean {
    const name = targetName(target)
    return this.#book.find(name) === undefined && this.#book.awayMs(name) > 0
  }

  /**
   * Notes that requests to `target` may take this connection, which the peer opened: it said so (`alias`), and who calls
   * has checked that the peer is who `target` names (RFC 5923 sections 5 and 9).
   */
  alias(target: StreamTarget, connection: StreamConnection): void {
    const name = targetName(target)
    if (!connection.isClosed && !this.#book.find(name)) this.#book.use(name, connection)
  }

  /** Takes no connections any more and ends those there are; what was written still leaves. */
  async close(): Promise<void> {
    this.#isClosed = true
    const stopped = this.#servers.splice(0).map((server) => {
      return new Promise<void>((resolve) => void server.close(() => resolve()))
    })
    this.#book.closeAll()
    // Handshakes that nobody ends.
    const late = this.#o.clock.setTimer(this.#limits.connectMs, () => this.#book.destroyHeld())
    await Promise.all(stopped)
    late.cancel()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #tlsServer(tls: TlsSource): TlsServer {
    let material = tls.material
    const server = createTlsServer(tlsServerOptions(material, this.#limits.connectMs))
    // Asked before each handshake: what was renewed since is used for it.
    server.prependListener('connection', (socket: Socket) => {
      if (!this.#admit(socket)) return
      if (tls.material === material) return
      material = tls.material
      server.setSecureContext(material)
    })
    server.on('secureConnection', (socket) => {
      const certificate = peerCertificateOf(socket)
      if (certificate) this.#take(socket, certificate)
      else socket.destroy()
    })
    server.on('tlsClientError', (error, socket) => {
      this.#o.onRefused?.('handshake', remoteOf(socket), (error as NodeJS.ErrnoException).code ?? error.message)
      socket.destroy()
    })
    return server
  }

  #takePlain(socket: Socket): void {
    if (this.#admit(socket)) this.#take(socket, undefined)
  }

  /** Counts a connection that comes in, before anything is read from it; its handshake counts already. */
  #admit(socket: Socket): boolean {
    // What is not listened to would end the process.
    socket.on('error', () => {})
    const reason = this.#book.refusalOf(socket.remoteAddress ?? '')
    if (reason) {
      this.#o.onRefused?.(reason, remoteOf(socket), '')
      socket.destroy()
      return false
    }
    this.#book.hold(socket)
    return true
  }

  #take(socket: Socket | TLSSocket, certificate: StreamConnection['certificate']): void {
    if (this.#isClosed || socket.destroyed) {
      socket.destroy()
      return
    }
    const connection = this.#create(true)
    this.#book.addHeld(connection)
    connection.attach(socket, certificate)
    this.#o.onConnection(connection)
  }

  #create(isInbound: boolean): StreamConnection {
    const { clock, random } = this.#o
    return new StreamConnection({ transport: this.transport, isInbound, clock, random, limits: this.#limits })
  }

  async #open(connection: StreamConnection, target: StreamTarget): Promise<void> {
    const dialled = await dial(this.#dialer, target)
    if (dialled.kind === 'failed') {
      connection.close(dialled.reason)
      return
    }
    const { socket, certificate } = dialled
    if (connection.isClosed) socket.destroy()
    else connection.attach(socket, certificate)
  }
}

function remoteOf(socket: Socket | TLSSocket): SocketAddress {
  return { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
}
