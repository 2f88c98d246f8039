import { SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import type { Invocation } from '../command/command.ts'
import { withOperatorClient } from '../operator/operator-client.ts'

/** Calls the HSS as its operator. @throws UsageError, TlsIdentityError, AdminCallError, and what `work` throws. */
export async function withSubscriberAdmin<T>(
  invocation: Invocation,
  work: (client: SubscriberAdminServiceClient) => Promise<T>,
): Promise<T> {
  const hss = {
    Class: SubscriberAdminServiceClient,
    role: 'hss',
    name: 'the HSS',
    targetVariable: 'ROLLCALL_HSS_TARGET',
    targetDefault: '127.0.0.1:17001',
  } as const
  return await withOperatorClient(invocation, hss, work)
}
