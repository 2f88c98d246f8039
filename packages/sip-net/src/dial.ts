import { connect, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import { type Clock, RollcallError } from '@rollcall/core'
import { type PeerCertificate, peerCertificateOf } from './peer-certificate.ts'
import type { Resolver } from './resolver.ts'
import type { ClosedReason } from './stream-connection.ts'
import type { StreamTarget } from './stream-target.ts'
import { type TlsSource, tlsClientOptions } from './tls-options.ts'

/** What opening a connection takes. */
export interface Dialer {
  readonly resolver: Resolver
  readonly tls: TlsSource | undefined
  readonly clock: Clock
  readonly localAddress: string | undefined
  /** For each address. */
  readonly connectMs: number
}

export type Dialled =
  | { readonly kind: 'open'; readonly socket: Socket; readonly certificate: PeerCertificate | undefined }
  | { readonly kind: 'failed'; readonly reason: Extract<ClosedReason, 'unresolved' | 'unreachable' | 'wrong-peer'> }

/**
 * Opens a connection to the first address of the target that takes one and, on TLS, is who is wanted.
 *
 * @see RFC 3263 section 4.3
 */
export async function dial(dialer: Dialer, target: StreamTarget): Promise<Dialled> {
  let addresses: readonly string[]
  try {
    addresses = await dialer.resolver.resolve(target.host)
  } catch (error) {
    if (!(error instanceof RollcallError)) throw error
    return { kind: 'failed', reason: 'unresolved' }
  }
  let reason: 'unreachable' | 'wrong-peer' = 'unreachable'
  for (const address of addresses) {
    const socket = await open(dialer, target, address)
    if (!socket) continue
    if (!dialer.tls) return { kind: 'open', socket, certificate: undefined }
    const certificate = peerCertificateOf(socket as TLSSocket)
    // guard: sip-server-identity — SIP is sent to nobody but the node that it is for
    if (certificate && target.accepts?.(certificate)) return { kind: 'open', socket, certificate }
    socket.destroy()
    reason = 'wrong-peer'
  }
  return { kind: 'failed', reason }
}

/** A socket that is connected, its handshake done; undefined when that does not come about in time. */
function open(
  { tls, clock, connectMs, localAddress }: Dialer,
  { host, port }: StreamTarget,
  address: string,
): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const to = { host: address, port, ...(localAddress === undefined ? {} : { localAddress }) }
    const socket = tls ? connectTls({ ...to, ...tlsClientOptions(tls.material, host) }) : connect(to)
    const end = (opened: Socket | undefined): void => {
      timer.cancel()
      socket.off('close', fail)
      if (!opened) socket.destroy()
      resolve(opened)
    }
    const fail = (): void => end(undefined)
    const timer = clock.setTimer(connectMs, fail)
    socket.on('error', () => {})
    socket.once('close', fail)
    socket.once(tls ? 'secureConnect' : 'connect', () => end(socket))
  })
}
