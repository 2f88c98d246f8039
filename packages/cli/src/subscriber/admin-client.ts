import { join } from 'node:path'
import { SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { createGrpcClient, parseHostPort, RpcError, TlsIdentity } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { dataDirOf, pkiFolderOf } from '../data-dir.ts'
import { AdminCallError, UsageError } from '../errors.ts'

const TARGET_DEFAULT = '127.0.0.1:17001'
const TRUST_DOMAIN_DEFAULT = 'rollcall.test'

/**
 * Calls the HSS as its operator, by mutual TLS.
 *
 * @throws UsageError, TlsIdentityError, AdminCallError, and what `work` throws.
 */
export async function withSubscriberAdmin<T>(
  { options, env }: Invocation,
  work: (client: SubscriberAdminServiceClient) => Promise<T>,
): Promise<T> {
  const target = options.text('target') ?? env.ROLLCALL_HSS_TARGET ?? TARGET_DEFAULT
  if (parseHostPort(target) === undefined) throw new UsageError(`--target must be HOST:PORT, not '${target}'`)
  const pki = pkiFolderOf(dataDirOf(options, env))
  using identity = await TlsIdentity.load({
    certFile: options.text('tls-cert') ?? join(pki, 'operator.crt'),
    keyFile: options.text('tls-key') ?? join(pki, 'operator.key'),
    caFile: options.text('tls-ca') ?? join(pki, 'ca.crt'),
    trustDomain: options.text('trust-domain') ?? env.ROLLCALL_TRUST_DOMAIN ?? TRUST_DOMAIN_DEFAULT,
  })
  const client = createGrpcClient(SubscriberAdminServiceClient, { target, role: 'hss', identity })
  try {
    return await work(client)
  } catch (error) {
    throw error instanceof RpcError ? told(error, target) : error
  } finally {
    client.close()
  }
}

/** In an operator's words; the HSS's own say what is wrong with a subscriber. */
function told(cause: RpcError, target: string): AdminCallError {
  const { code, detail } = cause
  switch (code) {
    case 'RPC_UNAVAILABLE':
    case 'RPC_DEADLINE':
    case 'RPC_CANCELLED':
      return new AdminCallError(code, `the HSS at ${target} does not answer (${detail})`, { cause })
    case 'RPC_DENIED':
    case 'RPC_UNAUTHENTICATED':
      return new AdminCallError(code, `the HSS at ${target} does not take this certificate (${detail})`, { cause })
    default:
      return new AdminCallError(code, `the HSS says: ${detail}`, { cause })
  }
}
