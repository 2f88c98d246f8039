import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { sourceNetwork, sourceSite, Tally } from '@rollcall/core'

/** Why a connection is closed before anything is read of it; a label. */
export type ConnectionRefusal = 'connections' | 'source-connections' | 'site-connections'

export interface ConnectionBounds {
  readonly connectionsMax: number
  readonly connectionsPerSourceMax: number
}

/**
 * `Choice:` of all connections so large a part is for one /48 of IPv6, where bounds of each source alone would let one owner
 * have all of them. No smaller one: an operator's UEs, each with a /64 of its own, may lie in one /48 together.
 */
const SITE_PART = 1 / 2

/** Connections of one listener that are open now, by where they come from. */
export class Connections {
  readonly #bounds: ConnectionBounds
  readonly #bySource = new Tally()
  readonly #bySite = new Tally()
  #size = 0

  constructor(bounds: ConnectionBounds) {
    this.#bounds = bounds
  }

  /** Open now. */
  get size(): number {
    return this.#size
  }

  /** Takes a connection from this address in, or says why not. */
  take(address: string | undefined): ConnectionRefusal | undefined {
    const { connectionsMax, connectionsPerSourceMax } = this.#bounds
    // guard: http-connections — who opens them without end would use up what all others need
    if (this.#size >= connectionsMax) return 'connections'
    const [source, site] = [sourceNetwork(address), sourceSite(address)]
    // guard: http-source-connections — one source must not be able to keep all others out
    if (this.#bySource.of(source) >= connectionsPerSourceMax) return 'source-connections'
    const siteMax = Math.max(connectionsPerSourceMax, connectionsMax * SITE_PART)
    // guard: http-site-connections — who owns many networks must not be able to keep all others out either
    if (site !== undefined && this.#bySite.of(site) >= siteMax) return 'site-connections'
    this.#bySource.add(source)
    if (site !== undefined) this.#bySite.add(site)
    this.#size += 1
    return undefined
  }

  /** One that was taken from this address has ended. */
  give(address: string | undefined): void {
    const site = sourceSite(address)
    this.#bySource.remove(sourceNetwork(address))
    if (site !== undefined) this.#bySite.remove(site)
    this.#size -= 1
  }
}

/**
 * Bounds the connections of `server`: one beyond a bound is closed before TLS or HTTP see anything of it. Whoever else
 * listens for connections must do so before this is called.
 */
export function boundConnections(
  server: Server,
  bounds: ConnectionBounds,
  onRefused: (reason: ConnectionRefusal) => void,
): Connections {
  const connections = new Connections(bounds)
  const next = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    // Kept: a socket that has closed does not tell it any more.
    const address = socket.remoteAddress
    const refusal = connections.take(address)
    if (refusal !== undefined) {
      onRefused(refusal)
      socket.destroy()
      return
    }
    socket.once('close', () => connections.give(address))
    for (const listener of next) listener.call(server, socket)
  })
  return connections
}
