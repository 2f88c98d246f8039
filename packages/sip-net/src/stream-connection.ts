import type { Socket } from 'node:net'
import type { Clock, Random, Timer } from '@rollcall/core'
import { SendQueueFullError, TransportClosedError } from './errors.ts'
import type { PeerCertificate } from './peer-certificate.ts'
import { type SendOptions, SendQueue } from './send-queue.ts'
import type { SocketAddress } from './socket-address.ts'
import { type FramingFault, StreamFramer } from './stream-framer.ts'
import type { StreamLimits } from './stream-limits.ts'

/** Why a connection ended. Few values: it is a label. */
export type ClosedReason =
  | FramingFault
  /** The peer ended it, or the network lost it. */
  | 'peer'
  | 'error'
  /** Nobody used it. */
  | 'idle'
  | 'unfinished-message'
  | 'no-pong'
  | 'queue-full'
  | 'certificate-ended'
  /** Whoever took it wants none of it. */
  | 'refused'
  /** It never was: no address, nobody there, a handshake that failed, somebody else there. */
  | 'unresolved'
  | 'unreachable'
  | 'wrong-peer'
  | 'closing'

export interface ConnectionContext {
  readonly transport: 'TCP' | 'TLS'
  readonly isInbound: boolean
  readonly clock: Clock
  readonly random: Random
  readonly limits: StreamLimits
}

const PING = Buffer.from('\r\n\r\n')
const PONG = Buffer.from('\r\n')
const WHOLE: SendOptions = {}

/**
 * One connection that carries SIP in both directions, from before it is open until it has ended: messages are cut from it
 * and queued for it; it is pinged, watched and bounded.
 *
 * @see RFC 3261 section 18.3; RFC 5626 sections 3.5.1, 4.4.1 and 5.4
 */
export class StreamConnection {
  readonly transport: 'TCP' | 'TLS'
  /** Whether the peer opened it. */
  readonly isInbound: boolean
  /** Called with each message. Its octets may be a view of more: copy what is kept for long. */
  onMessage: (bytes: Buffer) => void = () => {}
  /** Called before it is closed because its octets are no messages; `head` is there when a message's head could be read. */
  onUnframed: (fault: FramingFault, head: Buffer | undefined) => void = () => {}
  readonly #clock: Clock
  readonly #random: Random
  readonly #limits: StreamLimits
  readonly #framer: StreamFramer
  readonly #queue: SendQueue
  readonly #closedListeners = new Set<(reason: ClosedReason) => void>()
  readonly #timers: {
    message?: Timer | undefined
    idle?: Timer
    keepAlive?: Timer
    pong?: Timer
    certificate?: Timer
  } = {}
  #socket: Socket | undefined
  #remote: SocketAddress | undefined
  #certificate: PeerCertificate | undefined
  #state: 'connecting' | 'open' | 'closed' = 'connecting'
  #usedAtMs: number
  /** CRLFs since the last message, of which two are a ping. */
  #crlfs = 0
  #isPonging = false

  constructor({ transport, isInbound, clock, random, limits }: ConnectionContext) {
    this.transport = transport
    this.isInbound = isInbound
    this.#clock = clock
    this.#random = random
    this.#limits = limits
    this.#framer = new StreamFramer(limits)
    this.#queue = new SendQueue(limits.queueBytesMax)
    this.#usedAtMs = clock.monotonic()
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get isClosed(): boolean {
    return this.#state === 'closed'
  }

  /** Where the peer is; unknown until it is open. */
  get remote(): SocketAddress | undefined {
    return this.#remote
  }

  /** What the peer showed of itself; there is none on TCP. */
  get certificate(): PeerCertificate | undefined {
    return this.#certificate
  }

  /** Whether the peer ever answered a ping: then silence means something. */
  get isPonging(): boolean {
    return this.#isPonging
  }

  /** Tells of the end, once. One that has ended already tells nobody. */
  onClosed(listener: (reason: ClosedReason) => void): void {
    this.#closedListeners.add(listener)
  }

  /** It is open: what waits for it leaves. */
  attach(socket: Socket, certificate: PeerCertificate | undefined): void {
    this.#socket = socket
    this.#certificate = certificate
    this.#remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }
    this.#state = 'open'
    this.#usedAtMs = this.#clock.monotonic()
    socket.setNoDelay(true)
    socket.on('data', (chunk: Buffer) => this.#take(chunk))
    socket.on('drain', () => this.#flush())
    socket.on('end', () => this.close('peer'))
    socket.on('close', () => this.close('peer'))
    socket.on('error', () => this.close('error'))
    this.#watchIdle()
    if (!this.isInbound) this.#keepAlive()
    if (certificate) this.#endWithCertificate(certificate)
    this.#flush()
  }

  /**
   * Sends a message: at once, or when the connection is open and the peer takes what is before it.
   *
   * @throws TransportClosedError, SendQueueFullError
   */
  send(bytes: Buffer, options: SendOptions = WHOLE): void {
    if (this.#state === 'closed') throw new TransportClosedError()
    // guard: stream-queue — a peer that takes nothing away must not fill our memory
    if (!this.#queue.hasRoom(bytes.length)) throw new SendQueueFullError(this.#limits.queueBytesMax)
    this.#usedAtMs = this.#clock.monotonic()
    this.#queue.push(bytes, options)
    this.#flush()
  }

  /** Takes nothing more from the peer until `resume`: it has to wait for its answers. */
  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  /** Ends it; what was written still leaves, what waits does not. */
  close(reason: ClosedReason): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    for (const timer of Object.values(this.#timers)) timer?.cancel()
    this.#queue.clear()
    const socket = this.#socket
    if (socket) {
      if (reason === 'peer' || reason === 'error' || reason === 'queue-full') socket.destroy()
      else this.#end(socket)
    }
    for (const listener of [...this.#closedListeners]) listener(reason)
    this.#closedListeners.clear()
  }

  /** What was written leaves before the end, if the peer takes it in time. */
  #end(socket: Socket): void {
    socket.uncork()
    socket.destroySoon()
    const late = this.#clock.setTimer(this.#limits.connectMs, () => socket.destroy())
    socket.once('close', () => late.cancel())
  }

  #take(chunk: Buffer): void {
    if (this.#state !== 'open') return
    this.#usedAtMs = this.#clock.monotonic()
    const { frames, fault, head } = this.#framer.push(chunk)
    for (const frame of frames) {
      if (this.#state !== 'open') return
      if (frame.kind === 'crlf') this.#crlf()
      else this.#message(frame.bytes)
    }
    if (this.#state !== 'open') return
    if (fault) {
      this.onUnframed(fault, head)
      this.close(fault)
      return
    }
    this.#watchMessage(frames.length > 0)
  }

  #message(bytes: Buffer): void {
    this.#crlfs = 0
    this.onMessage(bytes)
  }

  /** Who opened the connection pings, the other answers: two CRLFs and one (RFC 5626 section 3.5.1). */
  #crlf(): void {
    if (!this.isInbound) {
      this.#isPonging = true
      this.#timers.pong?.cancel()
      return
    }
    this.#crlfs += 1
    if (this.#crlfs % 2 !== 0) return
    if (this.#queue.hasRoom(PONG.length)) this.#queue.push(PONG, WHOLE)
    else this.close('queue-full')
    this.#flush()
  }

  #flush(): void {
    const socket = this.#socket
    if (this.#state === 'open' && socket) this.#queue.flush(socket)
  }

  /** The time of a message runs from its first octets on, not from the last that came. */
  #watchMessage(hasNewBegun: boolean): void {
    const { message } = this.#timers
    if (message && !hasNewBegun && this.#framer.isUnfinished) return
    message?.cancel()
    this.#timers.message = undefined
    if (!this.#framer.isUnfinished) return
    // guard: stream-unfinished — half a message must not hold a connection
    this.#timers.message = this.#clock.setTimer(this.#limits.messageMs, () => this.close('unfinished-message'))
  }

  #watchIdle(): void {
    const leftMs = this.#usedAtMs + this.#limits.idleMs - this.#clock.monotonic()
    if (leftMs <= 0) this.close('idle')
    else this.#timers.idle = this.#clock.setTimer(leftMs, () => this.#watchIdle())
  }

  /** Choice: silence is held against a peer only if it has answered a ping before; not everybody knows RFC 5626. */
  #keepAlive(): void {
    const { keepAliveMs, pongMs } = this.#limits
    // Spread over the last fifth, so that peers that lost us together do not ping together (RFC 5626 section 4.4.1).
    const delayMs = keepAliveMs * (0.8 + 0.2 * (this.#random.bytes(2).readUInt16BE() / 0x1_0000))
    this.#timers.keepAlive = this.#clock.setTimer(delayMs, () => {
      if (this.#queue.isEmpty) this.#queue.push(PING, WHOLE)
      this.#flush()
      this.#timers.pong?.cancel()
      if (this.#isPonging) this.#timers.pong = this.#clock.setTimer(pongMs, () => this.close('no-pong'))
      this.#keepAlive()
    })
  }

  #endWithCertificate({ notAfterMs }: PeerCertificate): void {
    const leftMs = Math.max(0, notAfterMs - this.#clock.now())
    // guard: stream-certificate-end — whose certificate has ended is out, however long its connection lives
    this.#timers.certificate = this.#clock.setTimer(leftMs, () => this.close('certificate-ended'))
  }
}
