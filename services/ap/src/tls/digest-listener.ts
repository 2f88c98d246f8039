import { constants } from 'node:crypto'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { TLSSocket } from 'node:tls'
import {
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
import type { UaConnection } from '../ua/ua-connection.ts'

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
 * still come with a proof by HTTP.
 *
 * @see TS 33.222 clauses 5.3 and 5.5, TS 24.109 clause 5.3.2
 * @throws ListenError
 */
export async function startDigestListener(
  o: UaListenerOptions & { readonly certificate: ServerCertificate; readonly clientAuthorities: Buffer | undefined },
): Promise<HttpsServer> {
  const { certificate, clientAuthorities } = o
  let pair = certificate.pair
  const server = createServer({
    ...httpServerOptions(o.limits),
    ...pair,
    ciphers: CIPHERS,
    minVersion: 'TLSv1.2',
    handshakeTimeout: HANDSHAKE_MS,
    ALPNProtocols: ['http/1.1'],
    ...(clientAuthorities && {
      ca: clientAuthorities,
      requestCert: true,
      // Who comes without one is looked at again when he asks for something.
      rejectUnauthorized: false,
      // A session that is resumed shows no certificate: each connection shows it anew.
      secureOptions: constants.SSL_OP_NO_TICKET,
    }),
  })
  server.prependListener('connection', () => {
    if (certificate.pair === pair) return
    pair = certificate.pair
    server.setSecureContext({
      ...pair,
      ciphers: CIPHERS,
      minVersion: 'TLSv1.2',
      ...(clientAuthorities && { ca: clientAuthorities }),
    })
  })
  server.on('tlsClientError', (_error, socket) => {
    o.runtime.metrics.counter('rollcall_http_refused_total', { listener: 'ua-digest', reason: 'handshake' }).add()
    socket.destroy()
  })
  const { metrics, log, clock } = o.runtime
  serveHttp(server, {
    limits: o.limits,
    listener: 'ua-digest',
    // A trace begins here: what a UE says of one is none of ours.
    believesTrace: false,
    clock,
    log,
    metrics,
    handler: (request) => o.handle(request, connectionOf(request)),
  })
  await listen(server, o.listen)
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stopHttp(server, graceMs) }
}

function connectionOf({ socket }: HttpRequest): UaConnection {
  if (!(socket instanceof TLSSocket)) return { kind: 'certificate', suiteName: '', serverName: undefined }
  const { standardName } = socket.getCipher()
  const name = serverNameOf(socket)
  return { kind: 'certificate', suiteName: standardName, serverName: name }
}

/** The name that the UE called in TLS; false in Node's words when it called none. */
function serverNameOf(socket: TLSSocket): string | undefined {
  const { servername } = socket as { servername?: unknown }
  return typeof servername === 'string' && servername !== '' ? servername.toLowerCase() : undefined
}
