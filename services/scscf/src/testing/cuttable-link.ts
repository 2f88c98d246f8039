import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP link to a port that can be cut without a word to either end, and mended by losing what was cut. */
export class CuttableLink implements AsyncDisposable {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  #isCut = false

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(o: { address: string; port: number; targetPort: () => number }): Promise<CuttableLink> {
    const server = createServer()
    const link = new CuttableLink(server)
    server.on('connection', (near) => link.#pass(near, connect(o.targetPort(), o.address)))
    server.listen(o.port, o.address)
    await once(server, 'listening')
    return link
  }

  cut(): void {
    this.#isCut = true
    for (const socket of this.#sockets) socket.pause()
  }

  mend(): void {
    this.#isCut = false
    for (const socket of this.#sockets) socket.destroy()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #pass(near: Socket, far: Socket): void {
    const ends = [
      [near, far],
      [far, near],
    ] as const
    for (const [socket, other] of ends) {
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
