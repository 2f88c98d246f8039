import { Server } from '@grpc/grpc-js'
import { Admission } from './admission.ts'
import { ListenError } from './errors.ts'
import { SERVER_OPTIONS } from './grpc-limits.ts'
import type { GrpcService } from './grpc-service.ts'
import type { Runtime } from './runtime.ts'

/** A listening gRPC server. */
export interface GrpcServer {
  /** The port it listens on: the one asked for, or the system's choice. */
  readonly port: number
  /** Takes no new calls, lets those under way end within `graceMs`, then cuts. */
  stop(graceMs: number): Promise<void>
}

/**
 * Listens for mutual TLS on `listen` and carries `services`. A peer without a certificate of the trust domain does not
 * get through the handshake; one whose role may not call an rpc gets PERMISSION_DENIED.
 *
 * @throws ListenError
 */
export async function startGrpcServer(o: {
  listen: string
  services: readonly GrpcService[]
  runtime: Pick<Runtime, 'identity' | 'metrics' | 'audit' | 'log' | 'clock'>
}): Promise<GrpcServer> {
  const { identity, metrics, audit, log, clock } = o.runtime
  const admission = new Admission({ trustDomain: identity.trustDomain, metrics, audit })
  const server = new Server(SERVER_OPTIONS)
  for (const service of o.services) {
    server.addService(service.definition, service.implement({ role: identity.role, admission, clock, log, metrics }))
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(o.listen, identity.serverCredentials(), (error, bound) =>
      error ? reject(new ListenError(o.listen, { cause: error })) : resolve(bound),
    )
  })
  return { port, stop: (graceMs) => stop(server, o.services, graceMs) }
}

async function stop(server: Server, services: readonly GrpcService[], graceMs: number): Promise<void> {
  const signal = AbortSignal.timeout(graceMs)
  const ended = new Promise<void>((resolve) => server.tryShutdown(() => resolve()))
  const cut = new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => {
      server.forceShutdown()
      resolve()
    })
  })
  await Promise.race([Promise.all(services.map((service) => service.drain?.(signal))), cut])
  await Promise.race([ended, cut])
}
