import type { Timer } from '@rollcall/core'
import type { GaugeHandle, Metrics } from '../metrics.ts'
import type { HopLink } from './link.ts'
import { CLOSE_GRACE_MS, type HopTarget, type LinkOptions, linkFactory, targetKey } from './links.ts'
import type { HopRequest, HopSendOptions } from './pending.ts'
import type { HopResult } from './result.ts'

/** Each is a connection with TLS state, and a service has fewer replicas than this. */
const PEERS_MAX = 128
/** A peer that nothing was sent to for so long is another's address by now, or gone. */
const UNUSED_MS_MAX = 60_000

interface Peer {
  readonly link: HopLink
  usedAtMs: number
}

/** What sends to peers: a fake one in tests. */
export interface HopPeerSender {
  send(to: HopTarget, request: HopRequest, on: (result: HopResult) => void, o?: HopSendOptions): void
}

/**
 * The sending side of the hop towards peers that come and go, found by their address: replicas of one's own service. A
 * stream is opened with the first request and closed when it was not used for a minute.
 */
export class HopPeers implements HopPeerSender, AsyncDisposable {
  readonly #o: LinkOptions
  readonly #create: (to: HopTarget) => HopLink
  readonly #peersMax: number
  readonly #metrics: Metrics
  readonly #gauge: GaugeHandle
  readonly #peers = new Map<string, Peer>()
  #sweep: Timer | undefined
  #isClosed = false

  /** @param o.peersMax peers at once; beyond it a request to a further one is `full`. */
  constructor(o: LinkOptions & { readonly peersMax?: number }) {
    this.#o = o
    this.#create = linkFactory({ resendMsMax: 0, ...o })
    this.#peersMax = o.peersMax ?? PEERS_MAX
    this.#metrics = o.runtime.metrics
    const pending = (): number => [...this.#peers.values()].reduce((sum, { link }) => sum + link.pending, 0)
    this.#gauge = this.#metrics.gauge('rollcall_hop_pending', { peer: 'replicas' }, pending)
  }

  /** Peers with a link. */
  get size(): number {
    return this.#peers.size
  }

  /**
   * Sends a request to one peer. A lost stream sends it once more to the same, if a stream opens at once; a peer that is
   * gone makes it unreachable without delay, for the sender may know a better one. Else as `HopRouter.send`.
   */
  send(to: HopTarget, request: HopRequest, on: (result: HopResult) => void, o: HopSendOptions = {}): void {
    const peer = this.#peerOf(to)
    if (peer) {
      peer.usedAtMs = this.#o.runtime.clock.monotonic()
      peer.link.send(request, on, o)
      return
    }
    const kind = this.#isClosed ? 'unreachable' : 'full'
    this.#metrics.counter('rollcall_hop_outcomes_total', { peer: to.role, outcome: kind }).add()
    process.nextTick(on, { kind })
  }

  /** Takes nothing new, gives what is under way `graceMs`, and ends the streams. */
  async close(graceMs: number = CLOSE_GRACE_MS): Promise<void> {
    this.#isClosed = true
    this.#sweep?.cancel()
    const links = [...this.#peers.values()].map(({ link }) => link)
    await Promise.all(links.map((link) => link.close(graceMs)))
    this.#peers.clear()
    this.#gauge.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #peerOf(to: HopTarget): Peer | undefined {
    const key = targetKey(to)
    const known = this.#peers.get(key)
    if (known || this.#isClosed) return known
    if (this.#peers.size >= this.#peersMax && !this.#closeOldest()) return undefined
    const peer = { link: this.#create(to), usedAtMs: 0 }
    this.#peers.set(key, peer)
    this.#sweep ??= this.#o.runtime.clock.setTimer(UNUSED_MS_MAX, () => this.#closeUnused())
    return peer
  }

  #closeUnused(): void {
    this.#sweep = undefined
    const sinceMs = this.#o.runtime.clock.monotonic() - UNUSED_MS_MAX
    for (const [key, peer] of this.#peers) {
      if (peer.usedAtMs <= sinceMs && peer.link.pending === 0) this.#close(key, peer)
    }
    if (this.#peers.size === 0) return
    this.#sweep = this.#o.runtime.clock.setTimer(UNUSED_MS_MAX / 2, () => this.#closeUnused())
  }

  /** Makes room for another peer; false when all have something under way. */
  #closeOldest(): boolean {
    let oldest: [string, Peer] | undefined
    for (const entry of this.#peers) {
      const isOlder = oldest === undefined || entry[1].usedAtMs < oldest[1].usedAtMs
      if (entry[1].link.pending === 0 && isOlder) oldest = entry
    }
    if (!oldest) return false
    this.#close(...oldest)
    return true
  }

  #close(key: string, { link }: Peer): void {
    this.#peers.delete(key)
    void link.close(0)
  }
}
