import { join } from 'node:path'
import type {
  PcscfAdminServiceClient,
  PresenceAdminServiceClient,
  ScscfAdminServiceClient,
  SubscriberAdminServiceClient,
} from '@rollcall/proto-gen/admin'
import { createGrpcClient, parseHostPort, RpcError, TlsIdentity } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { dataDirOf, pkiFolderOf } from '../data-dir.ts'
import { AdminCallError, UsageError } from '../errors.ts'

const TRUST_DOMAIN_DEFAULT = 'rollcall.test'

type OperatorClient =
  | SubscriberAdminServiceClient
  | ScscfAdminServiceClient
  | PresenceAdminServiceClient
  | PcscfAdminServiceClient

/** A service that an operator may call. */
export interface OperatedService<C extends OperatorClient> {
  readonly Class: Parameters<typeof createGrpcClient<C>>[0]
  readonly role: 'hss' | 'scscf' | 'presence' | 'pcscf'
  /** As messages call it: `the HSS`. */
  readonly name: string
  /** The option that says where it is; `target` unless said otherwise. */
  readonly targetOption?: string
  readonly targetVariable: string
  readonly targetDefault: string
}

/**
 * Calls a service as its operator, by mutual TLS.
 *
 * @throws UsageError, TlsIdentityError, AdminCallError, and what `work` throws.
 */
export async function withOperatorClient<C extends OperatorClient, T>(
  { options, env }: Invocation,
  service: OperatedService<C>,
  work: (client: C) => Promise<T>,
): Promise<T> {
  const { targetOption = 'target' } = service
  const target = options.text(targetOption) ?? env[service.targetVariable] ?? service.targetDefault
  if (parseHostPort(target) === undefined) throw new UsageError(`--${targetOption} must be HOST:PORT, not '${target}'`)
  const pki = pkiFolderOf(dataDirOf(options, env))
  using identity = await TlsIdentity.load({
    certFile: options.text('tls-cert') ?? join(pki, 'operator.crt'),
    keyFile: options.text('tls-key') ?? join(pki, 'operator.key'),
    caFile: options.text('tls-ca') ?? join(pki, 'ca.crt'),
    trustDomain: options.text('trust-domain') ?? env.ROLLCALL_TRUST_DOMAIN ?? TRUST_DOMAIN_DEFAULT,
  })
  const client = createGrpcClient(service.Class, { target, role: service.role, identity })
  try {
    return await work(client)
  } catch (error) {
    throw error instanceof RpcError ? told(error, `${service.name} at ${target}`, service.name) : error
  } finally {
    client.close()
  }
}

/** In an operator's words; the service's own say what is wrong with what was asked. */
function told(cause: RpcError, place: string, name: string): AdminCallError {
  const { code, detail } = cause
  switch (code) {
    case 'RPC_UNAVAILABLE':
    case 'RPC_DEADLINE':
    case 'RPC_CANCELLED':
      return new AdminCallError(code, `${place} does not answer (${detail})`, { cause })
    case 'RPC_DENIED':
    case 'RPC_UNAUTHENTICATED':
      return new AdminCallError(code, `${place} does not take this certificate (${detail})`, { cause })
    default:
      return new AdminCallError(code, `${name} says: ${detail}`, { cause })
  }
}
