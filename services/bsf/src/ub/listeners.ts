import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { SecureContextOptions } from 'node:tls'
import {
  type CertificatePair,
  HANDSHAKE_MS,
  HTTP_LIMITS,
  type HttpHandler,
  type HttpLimits,
  httpServerOptions,
  listen,
  type Runtime,
  type ServerCertificate,
  serveHttp,
  stopHttp,
} from '@rollcall/runtime'

/** A listener that UEs come to. */
export interface UbListener {
  readonly port: number
  stop(graceMs: number): Promise<void>
}

/** `Choice:` a bootstrapping is two requests of half a kilobyte without a body, within a few seconds. */
const UB_LIMITS = {
  ...HTTP_LIMITS,
  headerBytesMax: 8 * 1024,
  bodyBytesMax: 1024,
  headerMs: 3_000,
  requestMs: 4_000,
  idleMs: 10_000,
  connectionAgeMs: 60_000,
  pipelinedMax: 2,
}

type ConnectionBounds = Pick<HttpLimits, 'connectionsMax' | 'connectionsPerSourceMax'>

/** What both kinds of listener stand on. */
export interface UbListenerOptions {
  readonly listen: string
  readonly handler: HttpHandler
  readonly runtime: Pick<Runtime, 'clock' | 'log' | 'metrics'>
  readonly bounds: ConnectionBounds
}

/**
 * Ub over HTTP, as the standard has it: the digest protects what is said, and no key goes over it.
 *
 * @throws ListenError
 * @see TS 24.109 clause 4.1, TS 33.220 clause 4.3.1
 */
export async function listenForHttp(o: UbListenerOptions): Promise<UbListener> {
  const server = createHttpServer(httpServerOptions(UB_LIMITS))
  serve(server, 'ub', o)
  return await open(server, o.listen)
}

/**
 * Ub over HTTPS, for UEs that would not show their IMPI to who listens. A renewed certificate is used from the next
 * connection on.
 *
 * @throws ListenError
 */
export async function listenForHttps(
  o: UbListenerOptions & { readonly certificate: ServerCertificate },
): Promise<UbListener> {
  const { certificate } = o
  let { pair } = certificate
  const server = createHttpsServer({
    ...httpServerOptions(UB_LIMITS),
    ...contextOf(pair),
    handshakeTimeout: HANDSHAKE_MS,
  })
  server.prependListener('connection', () => {
    if (certificate.pair === pair) return
    pair = certificate.pair
    server.setSecureContext(contextOf(pair))
  })
  server.on('tlsClientError', (_error, socket) => {
    o.runtime.metrics.counter('rollcall_http_refused_total', { listener: 'ub-tls', reason: 'handshake' }).add()
    socket.destroy()
  })
  serve(server, 'ub-tls', o)
  return await open(server, o.listen)
}

/** All that a context of TLS is made of: a renewed one must not be weaker than the first. */
function contextOf(pair: CertificatePair): SecureContextOptions {
  return { ...pair, minVersion: 'TLSv1.2' }
}

type AnyServer = ReturnType<typeof createHttpServer> | Server

function serve(server: AnyServer, listener: string, { handler, runtime, bounds }: UbListenerOptions): void {
  const { clock, log, metrics } = runtime
  serveHttp(server, {
    handler,
    limits: { ...UB_LIMITS, ...bounds },
    listener,
    believesTrace: false,
    clock,
    log,
    metrics,
  })
}

async function open(server: AnyServer, address: string): Promise<UbListener> {
  await listen(server, address)
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stopHttp(server, graceMs) }
}
