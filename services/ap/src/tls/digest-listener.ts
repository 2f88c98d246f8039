import { constants } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import { type SecureContextOptions, TLSSocket } from 'node:tls'
import {
  type CertificatePair,
  HANDSHAKE_MS,
  type HttpAnswer,
  type HttpLimits,
  type HttpRequest,
  type HttpsServer,
  httpServerOptions,
  listen,
  type Runtime,
  type ServerCertificate,
  serveHttp,
  stopHttp,
} from '@rollcall/runtime'
import { type ShownCertificate, shownCertificate } from '../ua/client-certificate.ts'
import type { UaConnection } from '../ua/ua-connection.ts'
import type { UeAuthorities, UeTrust } from './ue-authorities.ts'

/** `Choice:` suites with forward secrecy and authenticated encryption alone (TS 33.210 clause 6.2). */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
].join(':')

export interface UaListenerOptions {
  readonly listen: string
  readonly limits: HttpLimits
  readonly runtime: Pick<Runtime, 'metrics' | 'log' | 'clock'>
  readonly handle: (request: HttpRequest, connection: UaConnection) => Promise<HttpAnswer>
}

/**
 * TLS 1.2 and 1.3 with the certificate of the NAFs. Where certificates of UEs are taken one is asked for; who has none may
 * still come with a proof by HTTP. Renewed certificates, authorities and revocation lists count from the next connection on;
 * who came by a certificate before that shows it anew.
 *
 * @see TS 33.222 clause 5.3, TS 33.222 clause 5.3.1, TS 33.222 clause 5.5, TS 24.109 clause 5.3.2
 * @throws ListenError
 */
export async function startDigestListener(
  o: UaListenerOptions & { readonly certificate: ServerCertificate; readonly authorities: UeAuthorities | undefined },
): Promise<HttpsServer> {
  const { certificate, authorities } = o
  const { metrics, log, clock } = o.runtime
  let [pair, trust] = [certificate.pair, authorities?.trust]
  const server = createServer({
    ...httpServerOptions(o.limits),
    ...contextOf(pair, trust),
    handshakeTimeout: HANDSHAKE_MS,
    ALPNProtocols: ['http/1.1'],
    // Who comes without one is looked at again when he asks for something.
    ...(trust && { requestCert: true, rejectUnauthorized: false }),
  })
  const begun = new BegunHandshakes()
  server.prependListener('connection', (socket: Socket) => {
    const [freshPair, freshTrust] = [certificate.pair, authorities?.trust]
    if (freshPair !== pair || freshTrust !== trust) {
      // What it is judged by is what it says that it is: nothing else is remembered where this is not taken.
      server.setSecureContext(contextOf(freshPair, freshTrust))
      ;[pair, trust] = [freshPair, freshTrust]
    }
    if (trust) begun.add(socket, trust)
  })
  const judgedBy = new WeakMap<Socket, UeTrust>()
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const began = begun.take(socket)
    if (began) judgedBy.set(socket, began)
  })
  const refuse = (reason: string): void => {
    metrics.counter('rollcall_http_refused_total', { listener: 'ua-digest', reason }).add()
  }
  server.on('tlsClientError', (_error, socket) => {
    refuse('handshake')
    socket.destroy()
  })
  const connections = new WeakMap<Socket, CertificateConnection>()
  serveHttp(server, {
    limits: o.limits,
    listener: 'ua-digest',
    // A trace begins here: what a UE says of one is none of ours.
    believesTrace: false,
    clock,
    log,
    metrics,
    handler: (request) => {
      const { socket } = request
      const connection = connections.get(socket) ?? connectionOf(socket)
      connections.set(socket, connection)
      const { shown } = connection
      if (shown.kind !== 'user') return o.handle(request, connection)
      const endMs = Math.min(shown.untilMs, authorities?.trust.crlEndMs ?? Number.POSITIVE_INFINITY)
      // guard: certificate-end — a connection does not outlive the certificate that it came by
      const isOver = clock.now() >= endMs
      // guard: certificate-outdated — what was shown before a list of revoked certificates came may be on it
      const isOutdated = judgedBy.get(socket) !== authorities?.trust
      return o.handle(request, isOver || isOutdated ? { ...connection, shown: OUTDATED } : connection)
    },
  })
  await listen(server, o.listen)
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stopHttp(server, graceMs) }
}

const OUTDATED: ShownCertificate = { kind: 'refused', reason: 'certificate-outdated' }

type CertificateConnection = Extract<UaConnection, { kind: 'certificate' }>

/** All that a context of TLS is made of: a renewed one must not be weaker than the first. */
function contextOf(pair: CertificatePair, trust: UeTrust | undefined): SecureContextOptions {
  return {
    ...pair,
    ciphers: CIPHERS,
    minVersion: 'TLSv1.2',
    ...(trust && {
      ca: trust.ca,
      ...(trust.crl.length > 0 && { crl: [...trust.crl] }),
      // guard: ue-no-ticket — a session that is resumed shows no certificate: each connection shows it anew
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
  }
}

/** By what each handshake that goes on is judged: what was in force when it began. */
class BegunHandshakes {
  readonly #begun = new Map<string, { readonly trust: UeTrust }>()

  add(socket: Socket, trust: UeTrust): void {
    const place = placeOf(socket)
    if (place === undefined) {
      socket.destroy()
      return
    }
    const own = { trust }
    this.#begun.set(place, own)
    socket.once('close', () => {
      if (this.#begun.get(place) === own) this.#begun.delete(place)
    })
  }

  /** Told once, when the handshake is through. */
  take(socket: TLSSocket): UeTrust | undefined {
    const place = placeOf(socket)
    if (place === undefined) return undefined
    const own = this.#begun.get(place)
    this.#begun.delete(place)
    return own?.trust
  }
}

/**
 * A connection and TLS in it are two sockets to Node; the ends of both are the same. Undefined once the other end has gone.
 */
function placeOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string | undefined {
  if (remoteAddress === undefined || localAddress === undefined) return undefined
  // guard: certificate-place — from one port a UE may have a connection to each address of ours, and they are not one
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`
}

function connectionOf(socket: Socket): CertificateConnection {
  if (!(socket instanceof TLSSocket)) {
    return { kind: 'certificate', suiteName: '', serverName: undefined, shown: { kind: 'none' } }
  }
  return {
    kind: 'certificate',
    suiteName: socket.getCipher().standardName,
    serverName: serverNameOf(socket),
    shown: shownCertificate(socket),
  }
}

/** The name that the UE called in TLS; false in Node's words when it called none. */
function serverNameOf(socket: TLSSocket): string | undefined {
  const { servername } = socket as { servername?: unknown }
  return typeof servername === 'string' && servername !== '' ? servername.toLowerCase() : undefined
}
