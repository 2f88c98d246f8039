import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { Endpoint } from '../addresses.ts'

/** A fan-out to a thousand watchers must fit while the generator has no turn; the kernel gives less where it must. */
const RECEIVE_OCTETS = 4 * 1024 * 1024

/**
 * A few UDP sockets of the generator, so that a burst of NOTIFYs does not meet one small buffer. They are not connected:
 * after a take-over NOTIFYs come from another address.
 */
export class UdpSockets implements Disposable {
  readonly ports: readonly number[]
  readonly #sockets: readonly Socket[]

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
    this.ports = sockets.map((socket) => socket.address().port)
  }

  /** Ports have five digits: messages have room for just that. */
  static async open(address: string, count: number): Promise<UdpSockets> {
    const sockets: Socket[] = []
    while (sockets.length < count) {
      // Addresses are numbers already; with Node's own lookup each datagram would wait for the next tick.
      const socket = createSocket({ type: 'udp4', lookup: (host, _, done) => done(null, host, 4) })
      const listening = once(socket, 'listening')
      socket.bind(0, address)
      await listening
      if (socket.address().port < 10_000) {
        socket.close()
        continue
      }
      socket.setRecvBufferSize(RECEIVE_OCTETS)
      sockets.push(socket)
    }
    return new UdpSockets(sockets)
  }

  onMessage(listener: (message: Buffer, socket: number, port: number, address: string) => void): void {
    this.#sockets.forEach((socket, index) => {
      socket.on('message', (message, { port, address }) => listener(message, index, port, address))
    })
  }

  /** The octets may be written over as soon as it returns. */
  send(socket: number, octets: Buffer, length: number, { address, port }: Endpoint): void {
    this.#sockets[socket]?.send(octets, 0, length, port, address)
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close()
  }
}
