import { isIPv6 } from 'node:net'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { type GaugeHandle, type Runtime, responseStatus } from '@rollcall/runtime'
import { parseMessage, SipParseError, type SipRequest, type Via } from '@rollcall/sip'
import {
  type AddressLookup,
  Resolver,
  type SocketAddress,
  type StreamConnection,
  type StreamLimits,
  type StreamTarget,
  StreamTransport,
  TransportClosedError,
  UdpTransport,
} from '@rollcall/sip-net'
import { type NodeRequestHandler, type ServerFlow, SipEdge } from './edge.ts'
import type { Link } from './link.ts'
import { NodeEvents } from './node-events.ts'
import { type NodePeer, PeerTable } from './peer-table.ts'
import { type Attempt, SipSender, type Ways } from './sender.ts'
import type { NodeTable, SipTarget, SipTransport, VendorNode } from './settings.ts'
import { sentByPort } from './via.ts'

/** The port that a Via without one means (RFC 3261 section 18.1.1). */
const TLS_PORT_DEFAULT = 5_061
const ANY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])

export interface SipNodeOptions {
  readonly runtime: Pick<Runtime, 'identity' | 'clock' | 'random' | 'metrics' | 'audit' | 'log'>
  readonly table: NodeTable
  /** Own host name, of our Via on connections. */
  readonly host: string
  /** Where requests go: what the hop's handler is to the hop. */
  readonly onRequest: NodeRequestHandler
  /** What the envelope of a request says beside the identities that its peer asserts; asked of verified peers alone. */
  readonly envelopeOf?: (request: SipRequest, peer: NodePeer) => Partial<Envelope>
  readonly limits?: Partial<StreamLimits>
  /** For tests: what names stand for. */
  readonly lookup?: AddressLookup
}

/**
 * A service's SIP towards nodes of other vendors: listeners, who the nodes are, and both sides of transactions with them.
 */
export class SipNode implements AsyncDisposable {
  readonly sender: SipSender
  readonly #o: SipNodeOptions
  readonly #peers: PeerTable
  readonly #events: NodeEvents
  readonly #edge: SipEdge
  readonly #resolver: Resolver
  readonly #streams: { readonly TLS: StreamTransport; readonly TCP: StreamTransport }
  readonly #links = new WeakMap<StreamConnection, Link>()
  readonly #attempts = new WeakMap<StreamConnection, Set<Attempt>>()
  readonly #gauges: GaugeHandle[]
  #udp: UdpTransport | undefined
  #tlsPort: number | undefined

  constructor(options: SipNodeOptions) {
    const { runtime, table } = options
    const { identity, clock, random, metrics } = runtime
    this.#o = options
    this.#events = new NodeEvents(runtime)
    this.#peers = new PeerTable({ trustDomain: identity.trustDomain, ownRole: identity.role, table })
    this.#resolver = new Resolver({ clock, ...(options.lookup ? { lookup: options.lookup } : {}) })
    this.#streams = { TLS: this.#stream('TLS'), TCP: this.#stream('TCP') }
    const events = this.#events
    this.#edge = new SipEdge({
      clock,
      random,
      events,
      onRequest: options.onRequest,
      envelopeOf: options.envelopeOf,
      send: (flow, bytes) => this.#answer(flow, bytes),
      onVia: (link, via) => this.#noteAlias(link, via),
    })
    this.sender = new SipSender({
      clock,
      random,
      events,
      ways: this.#ways(),
      find: (host) => this.#peers.find(host),
      isVerified: (node) => this.#peers.isVerified(node),
    })
    this.#gauges = [
      metrics.gauge('rollcall_sip_connections', { transport: 'TLS' }, () => this.#streams.TLS.size),
      metrics.gauge('rollcall_sip_connections', { transport: 'TCP' }, () => this.#streams.TCP.size),
      metrics.gauge('rollcall_sip_transactions', { side: 'server' }, () => this.#edge.size),
      metrics.gauge('rollcall_sip_transactions', { side: 'client' }, () => this.sender.size),
    ]
  }

  /** Begins to take what comes. @throws BindFailedError */
  async start(): Promise<void> {
    const { table, runtime } = this.#o
    if (table.tls) {
      this.#tlsPort = (await this.#streams.TLS.listen(table.tls)).port
      runtime.log.info({ listen: `tls:${table.tls.address}:${this.#tlsPort}` }, 'SIP of other vendors’ nodes')
    }
    for (const at of table.unprotected) {
      if (at.transport === 'TCP') await this.#streams.TCP.listen(at)
      else await this.#listenUdp(at)
      const listen = `${at.transport.toLowerCase()}:${at.address}:${at.port}`
      runtime.log.warn({ listen }, 'SIP is taken UNPROTECTED here: what it says of identities is not believed')
    }
  }

  /** What is insecure about its settings, for /readyz. */
  get warnings(): readonly string[] {
    return this.#o.table.unprotected.map(({ transport, address, port }) => {
      return `insecure: SIP is taken unprotected at ${transport.toLowerCase()}:${address}:${port}, and its identities are not believed`
    })
  }

  /** Whether requests to `host` stay inside the trust domain: what leads elsewhere than to the table is not asked here. */
  trusts(host: string): boolean {
    const node = this.#peers.find(host)
    return node === undefined || this.#peers.isVerified(node)
  }

  /** Takes no new requests; what is under way is answered. */
  drain(): void {
    this.#edge.drain()
  }

  /** Gives what was sent `graceMs`, and ends all. */
  async close(graceMs: number): Promise<void> {
    this.drain()
    await this.sender.close(graceMs)
    this.#edge.close()
    await Promise.all([this.#streams.TLS.close(), this.#streams.TCP.close(), this.#udp?.close()])
    for (const gauge of this.#gauges) gauge.release()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0)
  }

  #stream(transport: 'TLS' | 'TCP'): StreamTransport {
    const { runtime, limits, table } = this.#o
    const { clock, random, identity } = runtime
    // Who is known by its address calls from the one that it listens on.
    const own = table.unprotected.find((at) => at.transport === transport)?.address
    return new StreamTransport({
      clock,
      random,
      resolver: this.#resolver,
      ...(transport === 'TLS' ? { tls: identity } : {}),
      ...(limits ? { limits } : {}),
      localAddress: own !== undefined && !ANY_ADDRESS.has(own) ? own : undefined,
      onConnection: (connection) => this.#takeConnection(connection),
      onRefused: (reason, remote, detail) => this.#events.connectionRefused(transport, reason, remote, detail),
    })
  }

  #takeConnection(connection: StreamConnection): void {
    const { transport } = connection
    connection.onClosed((reason) => {
      const remote = connection.remote?.address ?? 'none'
      this.#events.closed(transport, reason, remote)
    })
    if (!connection.isInbound) {
      // Who is there has been checked when it is open; requests come on it as on any other (RFC 5923 section 5).
      connection.onMessage = (bytes) => this.#take(bytes, transport, () => this.#linkOf(connection))
      return
    }
    const link = this.#linkOf(connection)
    // guard: sip-peer — a connection that is nobody's whom we know is closed before anything is read from it
    if (link.transport === 'TLS' && !link.peer) {
      connection.close('refused')
      return
    }
    connection.onMessage = (bytes) => this.#take(bytes, transport, () => link)
    connection.onUnframed = (_fault, head) => {
      if (head) this.#edge.receiveUnframed(head, link)
    }
  }

  /** Who is at the other end; a refusal is told. */
  #linkOf(connection: StreamConnection): Link {
    const known = this.#links.get(connection)
    if (known) return known
    const { transport, certificate } = connection
    const source = connection.remote ?? { address: '', port: 0 }
    const found = certificate ? this.#peers.admit(certificate) : this.#peers.admitAddress(source)
    if (!found.ok) this.#events.peerRefused(transport, found.reason, source, certificate?.subjectAltName ?? '')
    const link = { transport, source, peer: found.ok ? found.peer : undefined, connection }
    this.#links.set(connection, link)
    return link
  }

  async #listenUdp(at: SocketAddress): Promise<void> {
    const socket = await UdpTransport.bind({
      address: at.address,
      port: at.port,
      onDrop: (reason) => this.#events.dropped('UDP', reason),
      onError: (error) => this.#o.runtime.log.debug({ err: error }, 'the socket of unprotected SIP had an error'),
    })
    socket.onMessage = (bytes, source) => this.#take(bytes, 'UDP', () => this.#udpLink(source))
    this.#udp = socket
  }

  #udpLink(source: SocketAddress): Link {
    const found = this.#peers.admitAddress(source)
    if (!found.ok) this.#events.peerRefused('UDP', found.reason, source, '')
    return { transport: 'UDP', source, peer: found.ok ? found.peer : undefined }
  }

  #take(bytes: Buffer, transport: SipTransport, link: () => Link): void {
    if (responseStatus(bytes) > 0) this.#takeResponse(bytes, transport)
    else this.#edge.receive(bytes, link())
  }

  #takeResponse(bytes: Buffer, transport: SipTransport): void {
    this.#events.received(transport, 'response')
    try {
      const message = parseMessage(bytes)
      if (message.kind !== 'response' || !this.sender.receive(message))
        this.#events.dropped(transport, 'stray-response')
    } catch (error) {
      if (!(error instanceof SipParseError)) throw error
      this.#events.dropped(transport, 'unreadable')
    }
  }

  /**
   * On the connection that the request came on; when that is gone, on a new one to where the request came from and to the
   * port that its Via names, if the same peer is there (RFC 3261 section 18.2.2).
   */
  #answer({ link, via, replyTo }: ServerFlow, bytes: Buffer): void {
    const { connection, peer, source } = link
    if (!connection) this.#sendUdp(bytes, replyTo)
    else if (!connection.isClosed) {
      try {
        connection.send(bytes)
      } catch (error) {
        // Who takes none of our responses is cut.
        connection.close('queue-full')
        throw error
      }
    } else if (peer) {
      const target: StreamTarget = {
        host: source.address,
        port: sentByPort(via, connection.transport),
        identity: `reply ${peer.spiffeId}`,
        accepts: (certificate) => {
          const found = this.#peers.admit(certificate)
          return found.ok && found.peer.spiffeId === peer.spiffeId
        },
      }
      this.#streams[connection.transport].connect(target).send(bytes)
    }
  }

  #sendUdp(bytes: Buffer, to: SocketAddress): void {
    if (!this.#udp) throw new TransportClosedError()
    this.#udp.send(bytes, to)
  }

  /** A peer that opened a connection may want our requests on it, under the name in its Via (RFC 5923 section 5). */
  #noteAlias({ connection, peer }: Link, via: Via): void {
    if (!connection?.isInbound || connection.transport !== 'TLS' || !via.params.has('alias')) return
    const host = via.host.toLowerCase()
    // guard: sip-alias — a connection serves requests to a host only if its certificate is of that very host
    if (!peer?.hosts.includes(host)) return
    const node = this.#peers.find(host)
    const port = sentByPort(via, 'TLS')
    const target = node?.targets.find((known) => known.transport === 'TLS' && known.port === port)
    if (node && target) this.#streams.TLS.alias(this.#streamTarget(target, node), connection)
  }

  #streamTarget({ host, port }: SipTarget, node: VendorNode): StreamTarget {
    const accepts: StreamTarget['accepts'] = (certificate) => this.#peers.isNode(certificate, node)
    return { host, port, identity: node.host, accepts }
  }

  #ways(): Ways {
    return {
      send: (attempt, bytes) => this.#sendTo(attempt, bytes),
      isAway: (target, node) =>
        target.transport !== 'UDP' && this.#streams[target.transport].isAway(this.#streamTarget(target, node)),
      viaTo: ({ transport }) => this.#viaTo(transport),
    }
  }

  #viaTo(transport: SipTransport): ReturnType<Ways['viaTo']> {
    if (transport === 'TLS') {
      const port = this.#tlsPort === TLS_PORT_DEFAULT ? undefined : this.#tlsPort
      return { host: this.#o.host, port, params: this.#tlsPort === undefined ? [] : [['alias', true]] }
    }
    const at = this.#o.table.unprotected.find((listened) => listened.transport === transport)
    const address = at?.address ?? this.#o.host
    const params = transport === 'UDP' ? [['rport', true] as const] : []
    return { host: isIPv6(address) ? `[${address}]` : address, port: at?.port, params }
  }

  #sendTo(attempt: Attempt, bytes: Buffer): void {
    const { target, node } = attempt
    if (target.transport === 'UDP') {
      this.#sendUdp(bytes, { address: target.host, port: target.port })
      return
    }
    const connection = this.#streams[target.transport].connect(this.#streamTarget(target, node))
    const attempts = this.#watch(connection)
    attempts.add(attempt)
    attempt.release = () => attempts.delete(attempt)
    connection.send(bytes, { mayLeave: attempt.mayLeave, onWithdrawn: () => attempt.withdrawn() })
  }

  /** The tries that a connection carries: they are told when it is lost. */
  #watch(connection: StreamConnection): Set<Attempt> {
    const known = this.#attempts.get(connection)
    if (known) return known
    const attempts = new Set<Attempt>()
    this.#attempts.set(connection, attempts)
    connection.onClosed(() => {
      const wasOpen = connection.remote !== undefined
      for (const attempt of [...attempts]) attempt.lost(wasOpen)
      attempts.clear()
    })
    return attempts
  }
}
