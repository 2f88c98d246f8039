import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { type IpAddress, parseIp, readSpi } from '@rollcall/esp'
import type { Endpoint } from '../addresses.ts'
import { branchOf, isNotify, isResponse, statusOf, writeOk } from '../load/read-message.ts'
import { type AccessNet, AccessUe, spiCounter } from './access-ue.ts'
import { type BenchUser, benchUser } from './bench-user.ts'
import { ClientRequests } from './client-requests.ts'
import type { SaPair } from './sa-pair.ts'

/** Encapsulation sockets that UEs share: outside of ESP an address says nothing about whose packet it is. */
const SOCKETS = 8
const RECEIVE_OCTETS = 4 * 1024 * 1024
/** A NOTIFY of the load is shorter. */
const ANSWER_OCTETS_MAX = 8_192

/** Where the P-CSCF under test is, and how the UEs' addresses begin. */
export interface AccessPlace {
  /** The first two octets: `127.38`. */
  readonly network: string
  readonly pcscf: Endpoint
  readonly encapsulation: Endpoint
  readonly ues: number
}

/** The UEs of a generator with their sockets. */
export class AccessNetwork implements AccessNet, Disposable {
  readonly pcscf: Endpoint
  readonly pcscfAddress: IpAddress
  readonly requests = new ClientRequests()
  readonly nextSpi = spiCounter()
  /** Told each NOTIFY, after its 200 has been sent. */
  onNotify: (notify: Buffer, ue: AccessUe) => void = () => {}
  readonly #encapsulation: Endpoint
  readonly #espSockets: Socket[] = []
  readonly #unprotected: Socket[] = []
  readonly #ues: AccessUe[] = []
  readonly #inbound = new Map<number, { readonly ue: AccessUe; readonly pair: SaPair }>()
  readonly #answer = Buffer.alloc(ANSWER_OCTETS_MAX)

  private constructor(place: AccessPlace) {
    this.pcscf = place.pcscf
    this.pcscfAddress = parseIp(place.pcscf.address)
    this.#encapsulation = place.encapsulation
  }

  static async open(place: AccessPlace): Promise<AccessNetwork> {
    const net = new AccessNetwork(place)
    for (let i = 0; i < SOCKETS; i++) {
      const socket = await openSocket(`${place.network}.9.${2 + i}`)
      socket.setRecvBufferSize(RECEIVE_OCTETS)
      socket.on('message', (packet) => net.#receiveEsp(packet))
      net.#espSockets.push(socket)
    }
    for (let number = 0; number < place.ues; number++) {
      await net.#add(benchUser(number, place.network))
    }
    return net
  }

  ue(number: number): AccessUe {
    const ue = this.#ues[number]
    if (!ue) throw new RangeError(`there is no UE ${number}`)
    return ue
  }

  sendEsp(packet: Buffer, ue: AccessUe): void {
    const { address, port } = this.#encapsulation
    this.#espSockets[ue.user.number % SOCKETS]?.send(packet, port, address)
  }

  listen(spi: number, ue: AccessUe, pair: SaPair): void {
    this.#inbound.set(spi, { ue, pair })
  }

  forget(spi: number): void {
    this.#inbound.delete(spi)
  }

  [Symbol.dispose](): void {
    this.requests[Symbol.dispose]()
    for (const socket of [...this.#espSockets, ...this.#unprotected]) socket.close()
  }

  async #add(user: BenchUser): Promise<void> {
    const socket = await openSocket(user.address)
    socket.on('message', (message) => this.#takeResponse(message))
    this.#unprotected.push(socket)
    this.#ues.push(new AccessUe(user, socket, this))
  }

  #receiveEsp(packet: Buffer): void {
    const entry = this.#inbound.get(readSpi(packet) ?? 0)
    const message = entry?.pair.open(packet)
    if (!entry || !message) return
    if (!isNotify(message)) {
      this.#takeResponse(message)
      return
    }
    const answer = this.#answer.subarray(0, writeOk(this.#answer, message))
    this.sendEsp(entry.pair.seal(answer), entry.ue)
    this.onNotify(message, entry.ue)
  }

  #takeResponse(message: Buffer): void {
    if (isResponse(message)) this.requests.take(branchOf(message), statusOf(message), message)
  }
}

async function openSocket(address: string): Promise<Socket> {
  // Addresses are numbers already; with Node's own lookup each datagram would wait for the next tick.
  const socket = createSocket({ type: 'udp4', lookup: (host, _, done) => done(null, host, 4) })
  const listening = once(socket, 'listening')
  socket.bind(0, address)
  await listening
  return socket
}
