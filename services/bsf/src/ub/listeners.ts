import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import {
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
const UB_LIMITS: HttpLimits = {
  ...HTTP_LIMITS,
  headerBytesMax: 8 * 1024,
  bodyBytesMax: 1024,
  headerMs: 3_000,
  requestMs: 4_000,
  idleMs: 10_000,
  connectionAgeMs: 60_000,
  connectionsMax: 20_000,
  pipelinedMax: 2,
}

/** What both kinds of listener stand on. */
export interface UbListenerOptions {
  readonly listen: string
  readonly handler: HttpHandler
  readonly runtime: Pick<Runtime, 'clock' | 'log' | 'metrics'>
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
  const options = {
    ...httpServerOptions(UB_LIMITS),
    ...pair,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
  } as const
  const server = createHttpsServer(options)
  server.prependListener('connection', () => {
    if (certificate.pair === pair) return
    pair = certificate.pair
    server.setSecureContext(pair)
  })
  server.on('tlsClientError', (_error, socket) => {
    o.runtime.metrics.counter('rollcall_http_refused_total', { listener: 'ub-tls', reason: 'handshake' }).add()
    socket.destroy()
  })
  serve(server, 'ub-tls', o)
  return await open(server, o.listen)
}

type AnyServer = ReturnType<typeof createHttpServer> | Server

function serve(server: AnyServer, listener: string, { handler, runtime }: UbListenerOptions): void {
  const { clock, log, metrics } = runtime
  serveHttp(server, { handler, limits: UB_LIMITS, listener, believesTrace: false, clock, log, metrics })
}

async function open(server: AnyServer, address: string): Promise<UbListener> {
  await listen(server, address)
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stopHttp(server, graceMs) }
}
