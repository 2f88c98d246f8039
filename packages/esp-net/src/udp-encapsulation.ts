import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { assert, assertNever, type Random } from '@rollcall/core'
import { checkSaSet, parseIp, pooledRandom, readSpi, type SaSetParameters, sameSaSet } from '@rollcall/esp'
import {
  EncapsulationBindError,
  OuterAddressUnknownError,
  PacketTooLargeError,
  SaSetMismatchError,
  SaSetsFullError,
  SaUnknownError,
  SpiInUseError,
} from './errors.ts'
import {
  createInstalledSet,
  type InboundEntry,
  type InstalledSet,
  type OuterAddress,
  openPacket,
  sealMessage,
} from './installed-set.ts'
import type { DropReason, ProtectedPacket, SaBackEnd } from './sa-back-end.ts'
import { enlargeBuffers } from './socket-buffers.ts'

/** `Choice:` the largest message; a REGISTER that offers four suites takes 2,000 octets. */
export const PAYLOAD_BYTES_MAX = 8192
/** Inner headers, ESP header, IV, padding, trailer and ICV never take more than this. */
const OVERHEAD_BYTES_MAX = 128
/** `Choice:` some 20,000 UEs, each with three sets for a moment (TS 33.203 clause 7.1: six SAs in each direction). */
const SETS_MAX_DEFAULT = 65_536

/** One octet that keeps a NAT's mapping open (RFC 3948 section 2.3). */
const KEEPALIVE = 0xff
/** Where an SPI would stand, four zero octets announce IKE (RFC 3948 section 2.2), which IMS does not use. */
const NON_ESP_MARKER = 0

export interface UdpEncapsulationOptions {
  /** The IPv4 or IPv6 address and port of our encapsulation socket; port 0 takes any. */
  readonly address: string
  readonly port: number
  readonly random: Random
  readonly onPacket: (packet: ProtectedPacket) => void
  readonly onDrop: (reason: DropReason, source: OuterAddress) => void
  /** A UE knows where the P-CSCF's encapsulation socket is; a P-CSCF learns it for each set. */
  readonly remote?: OuterAddress | undefined
  readonly setsMax?: number | undefined
  /**
   * The sequence numbers of a set come to their end: it is to be renewed while it can still carry that. Said once a set
   * (RFC 4303 section 3.3.3).
   */
  readonly onRenewalDue?: ((setId: string) => void) | undefined
  /** Where the sequence numbers of new sets go on from; 0 but in a test of their end. */
  readonly lastSequence?: number | undefined
  /** The system did not take a datagram, or the socket failed. To the other end the datagram is lost, as on the way. */
  readonly onSocketError?: ((error: Error) => void) | undefined
}

/**
 * The user space SA back end: ESP in tunnel mode inside UDP, everything through one socket.
 *
 * Without `remote` the outer address of a set is that of the newest packet which passed integrity, replay and selectors
 * (port_Uenc), and so a NAT may change its mapping while nobody else can draw packets to himself.
 *
 * @see RFC 3948, TS 33.203 annex M
 */
export class UdpEncapsulation implements SaBackEnd {
  readonly mode = 'UDP-enc-tun'
  /** Where the socket is bound. */
  readonly local: OuterAddress
  readonly #socket: Socket
  readonly #random: Random
  readonly #options: UdpEncapsulationOptions
  readonly #setsMax: number
  readonly #sets = new Map<string, InstalledSet>()
  readonly #inbound = new Map<number, InboundEntry>()
  #closed: Promise<void> | undefined

  private constructor(socket: Socket, options: UdpEncapsulationOptions) {
    this.#socket = socket
    this.#options = options
    this.#random = pooledRandom(options.random)
    this.#setsMax = options.setsMax ?? SETS_MAX_DEFAULT
    const { address, port } = socket.address()
    this.local = { address, port }
    socket.on('message', (packet, source) => this.#receive(packet, source))
    socket.on('error', (error) => options.onSocketError?.(error))
  }

  /**
   * Opens the socket, with buffers as large as the system allows.
   *
   * @throws EncapsulationBindError, and InvalidIpAddressError of @rollcall/esp.
   */
  static async bind(options: UdpEncapsulationOptions): Promise<UdpEncapsulation> {
    // Only addresses are bound and sent to: nothing is looked up.
    for (const address of [options.address, options.remote?.address]) if (address !== undefined) parseIp(address)
    const family = options.address.includes(':') ? 6 : 4
    const socket = createSocket({ type: `udp${family}`, lookup: (address, _, done) => done(null, address, family) })
    try {
      // Without a real lookup the socket listens before `bind` returns.
      const listening = once(socket, 'listening')
      socket.bind({ address: options.address, port: options.port })
      await listening
    } catch (cause) {
      socket.close()
      throw new EncapsulationBindError(options.address, options.port, cause)
    }
    enlargeBuffers(socket)
    return new UdpEncapsulation(socket, options)
  }

  install(set: SaSetParameters): void {
    assert(this.#closed === undefined, 'nothing is installed after close')
    const existing = this.#sets.get(set.id)
    if (existing) {
      if (!sameSaSet(existing.parameters, set)) throw new SaSetMismatchError(set.id)
      return
    }
    checkSaSet(set)
    if (this.#sets.size >= this.#setsMax) throw new SaSetsFullError(this.#setsMax)
    for (const spi of [set.local.spiC, set.local.spiS]) {
      if (this.#inbound.has(spi)) throw new SpiInUseError(spi)
    }
    const installed = createInstalledSet(set, { random: this.#random, lastSequence: this.#options.lastSequence })
    this.#sets.set(set.id, installed)
    for (const entry of installed.inbound) this.#inbound.set(entry.sa.spi, entry)
  }

  /** Takes a set out of use and lets go of its keys. */
  remove(setId: string): void {
    const set = this.#sets.get(setId)
    if (!set) return
    this.#sets.delete(setId)
    for (const entry of set.inbound) this.#inbound.delete(entry.sa.spi)
  }

  send(setId: string, payload: Buffer): void {
    const set = this.#sets.get(setId)
    if (!set) throw new SaUnknownError(setId)
    if (payload.length > PAYLOAD_BYTES_MAX) throw new PacketTooLargeError(payload.length, PAYLOAD_BYTES_MAX)
    const outer = this.#options.remote ?? set.outer
    if (!outer) throw new OuterAddressUnknownError(setId)
    this.#socket.send(sealMessage(set, payload), outer.port, outer.address, (error) => {
      if (error) this.#options.onSocketError?.(error)
    })
    if (set.outbound.isRenewalDue && !set.isRenewalTold) {
      set.isRenewalTold = true
      this.#options.onRenewalDue?.(setId)
    }
  }

  /** How many sets are installed. */
  get size(): number {
    return this.#sets.size
  }

  /** Where packets of a set go, if that is known. */
  outerAddressOf(setId: string): OuterAddress | undefined {
    return this.#options.remote ?? this.#sets.get(setId)?.outer
  }

  /** Closes the socket and lets go of every set. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      this.#sets.clear()
      this.#inbound.clear()
      this.#socket.close(resolve)
    })
    return this.#closed
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #receive(packet: Buffer, source: OuterAddress): void {
    if (packet.length === 1 && packet[0] === KEEPALIVE) return
    const reason = this.#deliver(packet, source)
    if (reason !== undefined) this.#options.onDrop(reason, { address: source.address, port: source.port })
  }

  /** Hands the message in `packet` on, or says why there is none to hand on. */
  #deliver(packet: Buffer, source: OuterAddress): DropReason | undefined {
    if (packet.length > PAYLOAD_BYTES_MAX + OVERHEAD_BYTES_MAX) return 'too-large'
    const spi = readSpi(packet)
    if (spi === undefined) return 'malformed'
    if (spi === NON_ESP_MARKER) return 'not-esp'
    const entry = this.#inbound.get(spi)
    if (!entry) return 'unknown-spi'

    const received = openPacket(entry, packet)
    switch (received.kind) {
      case 'drop':
        return received.reason
      case 'dummy':
        return undefined
      case 'message': {
        const { set } = entry
        // guard: esp-newest-address — an old packet must not draw the answers to where it comes from
        if (received.isNewest) learnOuterAddress(set, source)
        this.#options.onPacket({
          setId: set.parameters.id,
          sourcePort: received.inner.source.port,
          destinationPort: received.inner.destination.port,
          payload: received.inner.payload,
        })
        return undefined
      }
      default:
        return assertNever(received)
    }
  }
}

/** A packet that was held up on an older way must not lead back there: only the newest one counts. */
function learnOuterAddress(set: InstalledSet, source: OuterAddress): void {
  if (set.outer?.address === source.address && set.outer.port === source.port) return
  set.outer = { address: source.address, port: source.port }
}
