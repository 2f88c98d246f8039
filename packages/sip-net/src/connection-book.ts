import type { Socket } from 'node:net'
import type { Clock, Random } from '@rollcall/core'
import type { StreamConnection } from './stream-connection.ts'
import type { StreamLimits } from './stream-limits.ts'

/** Targets whose failures are remembered; at the bound the oldest are forgotten. */
const FAILURES_MAX = 1_024

interface Failure {
  readonly times: number
  readonly retryAtMs: number
}

/** The connections there are, which of them leads where, and who could not be connected to. */
export class ConnectionBook {
  readonly #clock: Clock
  readonly #random: Random
  readonly #limits: StreamLimits
  readonly #connections = new Set<StreamConnection>()
  readonly #byTarget = new Map<string, StreamConnection>()
  readonly #failures = new Map<string, Failure>()
  /** Sockets that were taken, how many of each address; those whose handshake is not done among them. */
  readonly #held = new Map<string, number>()
  readonly #heldSockets = new Set<Socket>()
  #sockets = 0

  constructor(o: { readonly clock: Clock; readonly random: Random; readonly limits: StreamLimits }) {
    this.#clock = o.clock
    this.#random = o.random
    this.#limits = o.limits
  }

  get size(): number {
    return this.#sockets
  }

  /** Why another connection of this address is not taken; undefined when it is. */
  refusalOf(address: string): 'connections-full' | 'address-full' | undefined {
    // guard: stream-connections — connections cost memory before anybody has shown who they are
    if (this.#sockets >= this.#limits.connectionsMax) return 'connections-full'
    // guard: stream-address-connections — one address must not take the place of all others
    if ((this.#held.get(address) ?? 0) >= this.#limits.connectionsPerAddressMax) return 'address-full'
    return undefined
  }

  /** Counts a socket that was taken until it is closed. */
  hold(socket: Socket): void {
    const address = socket.remoteAddress ?? ''
    this.#sockets += 1
    this.#heldSockets.add(socket)
    this.#held.set(address, (this.#held.get(address) ?? 0) + 1)
    socket.once('close', () => {
      this.#sockets -= 1
      this.#heldSockets.delete(socket)
      const left = (this.#held.get(address) ?? 1) - 1
      if (left > 0) this.#held.set(address, left)
      else this.#held.delete(address)
    })
  }

  /** A connection whose socket is counted. */
  addHeld(connection: StreamConnection): void {
    this.#connections.add(connection)
    connection.onClosed(() => this.#connections.delete(connection))
  }

  /** A connection that is being opened. */
  add(connection: StreamConnection): void {
    this.#sockets += 1
    this.#connections.add(connection)
    connection.onClosed(() => {
      this.#sockets -= 1
      this.#connections.delete(connection)
    })
  }

  find(target: string): StreamConnection | undefined {
    return this.#byTarget.get(target)
  }

  /** From now on this connection leads to `target`. One that closes before it was open is a failure of the target. */
  use(target: string, connection: StreamConnection): void {
    this.#byTarget.set(target, connection)
    connection.onClosed(() => {
      if (this.#byTarget.get(target) === connection) this.#byTarget.delete(target)
      if (connection.isInbound) return
      if (connection.remote === undefined) this.#failed(target)
      else this.#failures.delete(target)
    })
  }

  /** So long `target` is not tried. */
  awayMs(target: string): number {
    return Math.max(0, (this.#failures.get(target)?.retryAtMs ?? 0) - this.#clock.monotonic())
  }

  /** Ends sockets that were taken, without another word. */
  destroyHeld(): void {
    for (const socket of this.#heldSockets) socket.destroy()
  }

  closeAll(): void {
    for (const connection of [...this.#connections]) connection.close('closing')
  }

  /** Waits between half of the back-off and all of it, so that nodes that lost a peer together do not all come together. */
  #failed(target: string): void {
    const { backoffMsMin, backoffMsMax } = this.#limits
    const times = (this.#failures.get(target)?.times ?? 0) + 1
    const longestMs = Math.min(backoffMsMax, backoffMsMin * 2 ** (times - 1))
    const fraction = this.#random.bytes(2).readUInt16BE() / 0x1_0000
    this.#failures.delete(target)
    if (this.#failures.size >= FAILURES_MAX) {
      const oldest = this.#failures.keys().next()
      if (!oldest.done) this.#failures.delete(oldest.value)
    }
    const retryAtMs = this.#clock.monotonic() + longestMs * (0.5 + 0.5 * fraction)
    this.#failures.set(target, { times, retryAtMs })
  }
}
