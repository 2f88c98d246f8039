import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** Passes TCP connections on, until they are cut: then what is sent goes nowhere, and nobody is told. */
export class CuttableProxy implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(o: {
    readonly address: string
    readonly port: number
    readonly targetPort: number
  }): Promise<CuttableProxy> {
    const server = createServer()
    const proxy = new CuttableProxy(server)
    server.on('connection', (client) => proxy.#pass(client, connect(o.targetPort, o.address)))
    server.listen(o.port, o.address)
    await once(server, 'listening')
    return proxy
  }

  /** Holds back everything that comes, in both directions. */
  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.pause()
  }

  /** Lets it pass again, and ends what was cut: as a firewall that forgot the connections. */
  mend(): void {
    this.#isCut = false
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(client: Socket, upstream: Socket): void {
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('data', (octets) => void other.write(octets))
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
      if (this.#isCut) socket.pause()
    }
  }
}
