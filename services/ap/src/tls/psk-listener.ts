import { constants } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createSecureContext, TLSSocket } from 'node:tls'
import { sourceNetwork } from '@rollcall/core'
import { HANDSHAKE_MS, type HttpsServer, httpServerOptions, listen, serveHttp, stopHttp } from '@rollcall/runtime'
import type { ApEvents } from '../events.ts'
import type { UaConnection } from '../ua/ua-connection.ts'
import type { UaListenerOptions } from './digest-listener.ts'
import { PskGate } from './psk-gate.ts'
import { PSK_VERSIONS, PskHandshake, type PskHandshakeOptions } from './psk-handshake.ts'

export interface PskListenerOptions extends UaListenerOptions, PskHandshakeOptions {
  readonly events: ApEvents
}

/**
 * PSK-TLS with Ks_NAF. The listener has no certificate: with one, a client that holds a wrong key would get in by it.
 *
 * @see TS 33.222 clause 5.4, TS 33.222 clause 5.4.1, TS 24.109 clause 5.3.3
 * @throws ListenError
 */
export async function startPskListener(o: PskListenerOptions): Promise<HttpsServer> {
  const { version, limits } = o
  const { metrics, log, clock } = o.runtime
  const connections = new WeakMap<Socket, UaConnection>()
  const secureContext = createSecureContext({
    ciphers: PSK_VERSIONS[version].ciphers,
    minVersion: version,
    maxVersion: version,
    // What is resumed has shown no key.
    secureOptions: constants.SSL_OP_NO_TICKET,
  })
  const server = createServer(httpServerOptions(limits))
  // HTTP begins where TLS is through; what comes before is ours.
  const [beginHttp] = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket: Socket) => {
    const handshake = new PskHandshake(o, sourceNetwork(socket.remoteAddress))
    const gate = new PskGate(
      socket,
      (message) => handshake.inspect(message),
      (error) => {
        metrics.counter('rollcall_unhandled_total', { where: 'psk' }).add()
        log.error({ err: error }, 'a key could not be looked for')
      },
    )
    const tls = new TLSSocket(gate, {
      isServer: true,
      secureContext,
      ALPNProtocols: ['http/1.1'],
      ...handshake.pskOptions,
    })
    let isSecure = false
    const late = setTimeout(() => tls.destroy(), HANDSHAKE_MS)
    // Node tells so of errors in TLS on a socket of ours (TS 24.109 clause 5.3.3.2); it would stay open otherwise.
    for (const event of ['error', '_tlsError']) tls.on(event, () => tls.destroy())
    tls.once('close', () => {
      clearTimeout(late)
      gate.destroy()
      if (!isSecure) o.events.handshake(handshake.hasKey ? 'refused' : 'no-key')
    })
    tls.once('secure', () => {
      clearTimeout(late)
      const connection = handshake.connectionOf(tls)
      if (connection === undefined) {
        tls.destroy()
        return
      }
      isSecure = true
      o.events.handshake('key')
      connections.set(tls, connection)
      beginHttp?.call(server, tls)
    })
  })
  serveHttp(server, {
    limits,
    listener: version === 'TLSv1.2' ? 'ua-psk-tls12' : 'ua-psk-tls13',
    believesTrace: false,
    clock,
    log,
    metrics,
    handler: (request) => {
      const connection = connections.get(request.socket)
      return connection === undefined ? { status: 403, closes: true } : o.handle(request, connection)
    },
  })
  await listen(server, o.listen)
  return { port: (server.address() as AddressInfo).port, stop: (graceMs) => stopHttp(server, graceMs) }
}
