import { constants } from 'node:crypto'
import type { Server as HttpServer } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type SecureContextOptions, TLSSocket } from 'node:tls'
import { parseAddressPort } from './config-fields.ts'
import { ListenError, PeerIdentityError } from './errors.ts'
import { type HttpAnswer, type HttpRequest, serveHttp } from './https-exchange.ts'
import { HANDSHAKE_MS, HTTP_LIMITS, type HttpLimits, httpServerOptions } from './https-limits.ts'
import type { Role } from './roles.ts'
import type { Runtime } from './runtime.ts'
import { type Peer, parsePeer } from './spiffe.ts'
import type { TlsIdentity } from './tls-identity.ts'

/** A request of a peer that was let in. */
export interface PeerHttpRequest extends HttpRequest {
  readonly peer: Peer
}

export interface HttpsServer {
  /** The port it listens on: the one asked for, or the system's choice. */
  readonly port: number
  /** Takes no new requests, lets those under way end within `graceMs`, then cuts. */
  stop(graceMs: number): Promise<void>
}

/**
 * Listens for HTTPS inside the trust domain: a peer without a certificate of it does not get through the handshake, one of
 * another role than `roles` gets 403 and is audited. A renewed certificate is used from the next connection on.
 *
 * @throws ListenError
 */
export async function startHttpsServer(o: {
  readonly listen: string
  /** Its name in metrics: `zb`. */
  readonly listener: string
  readonly roles: readonly Role[]
  readonly handler: (request: PeerHttpRequest) => Promise<HttpAnswer> | HttpAnswer
  readonly runtime: Pick<Runtime, 'identity' | 'metrics' | 'audit' | 'log' | 'clock'>
  readonly limits?: Partial<HttpLimits>
}): Promise<HttpsServer> {
  const { identity, metrics, audit, log, clock } = o.runtime
  const limits = { ...HTTP_LIMITS, ...o.limits }
  let material = identity.material
  const server = createServer({
    ...httpServerOptions(limits),
    ...contextOf(material),
    handshakeTimeout: HANDSHAKE_MS,
    // guard: https-client-certificate — who shows no certificate of ours is refused in the handshake
    ...{ requestCert: true, rejectUnauthorized: true },
  })
  server.prependListener('connection', () => {
    if (identity.material === material) return
    material = identity.material
    server.setSecureContext(contextOf(material))
  })
  server.on('tlsClientError', (_error, socket) => {
    metrics.counter('rollcall_http_refused_total', { listener: o.listener, reason: 'handshake' }).add()
    socket.destroy()
  })
  // Each connection shows its certificate once; to read it is dear.
  const known = new WeakMap<Socket, Peer | PeerIdentityError>()
  const refuse = (peer: Peer | undefined, reason: string): HttpAnswer => {
    metrics.counter('rollcall_http_refused_total', { listener: o.listener, reason }).add()
    const detail = { listener: o.listener, peer: peer?.spiffeId ?? 'none' }
    audit({ event: 'peer.refused', outcome: 'refused', reason, detail })
    return { status: 403, closes: true }
  }
  serveHttp(server, {
    limits,
    listener: o.listener,
    believesTrace: true,
    clock,
    log,
    metrics,
    handler: (request) => {
      const peer = known.get(request.socket) ?? peerOf(request.socket, identity.trustDomain)
      known.set(request.socket, peer)
      if (!('role' in peer)) return refuse(undefined, peer.reason)
      // guard: https-role — a listener is for the roles that it names
      if (!o.roles.includes(peer.role)) return refuse(peer, 'role')
      return o.handler({ ...request, peer })
    },
  })
  await listen(server, o.listen)
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stopHttp(server, graceMs) }
}

/** All that a context of TLS is made of: a renewed one must not be weaker than the first. */
function contextOf({ cert, key, ca }: TlsIdentity['material']): SecureContextOptions {
  return {
    cert,
    key,
    ca,
    minVersion: 'TLSv1.2',
    // guard: https-no-ticket — a session that is resumed shows no certificate: each connection shows it anew
    secureOptions: constants.SSL_OP_NO_TICKET,
  }
}

function peerOf(socket: Socket, trustDomain: string): Peer | PeerIdentityError {
  if (!(socket instanceof TLSSocket)) return new PeerIdentityError('no-certificate')
  try {
    return parsePeer(socket.getPeerCertificate().subjectaltname, trustDomain)
  } catch (error) {
    if (error instanceof PeerIdentityError) return error
    throw error
  }
}

/** Binds `server`. @throws ListenError */
export async function listen(server: HttpServer | Server, address: string): Promise<void> {
  const at = parseAddressPort(address)
  if (!at) throw new ListenError(address)
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error): void => reject(new ListenError(address, { cause }))
    server.once('error', fail)
    server.listen(at.port, at.address, () => {
      server.off('error', fail)
      resolve()
    })
  })
}

/** Ends `server`: idle connections at once, the others with their answer or after `graceMs`. */
export async function stopHttp(server: HttpServer | Server, graceMs: number): Promise<void> {
  const ended = new Promise<void>((resolve) => server.close(() => resolve()))
  server.closeIdleConnections()
  const cut = setTimeout(() => server.closeAllConnections(), graceMs)
  await ended
  clearTimeout(cut)
}
