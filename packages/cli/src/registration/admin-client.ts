import { InvalidIdentityError, parseImpu } from '@rollcall/core'
import { ScscfAdminServiceClient } from '@rollcall/proto-gen/admin'
import type { Invocation } from '../command/command.ts'
import { UsageError } from '../errors.ts'
import { withOperatorClient } from '../operator/operator-client.ts'

/** Calls the S-CSCF as its operator. @throws UsageError, TlsIdentityError, AdminCallError, and what `work` throws. */
export async function withScscfAdmin<T>(
  invocation: Invocation,
  work: (client: ScscfAdminServiceClient) => Promise<T>,
): Promise<T> {
  const scscf = {
    Class: ScscfAdminServiceClient,
    role: 'scscf',
    name: 'the S-CSCF',
    targetVariable: 'ROLLCALL_SCSCF_TARGET',
    targetDefault: '127.0.0.1:17002',
  } as const
  return await withOperatorClient(invocation, scscf, work)
}

/** Whom a command is about. @throws UsageError */
export function operandImpu({ options }: Invocation): string {
  const [text = ''] = options.positionals
  try {
    return parseImpu(text)
  } catch (error) {
    if (error instanceof InvalidIdentityError) throw new UsageError(`'${text}' is no SIP or tel URI`)
    throw error
  }
}

/** A whole number of seconds that an option gives; 0 when it is not given, which leaves it to the S-CSCF. @throws UsageError */
export function secondsOption({ options }: Invocation, name: string): number {
  const text = options.text(name)
  if (text === undefined) return 0
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new UsageError(`--${name} must be a whole number of seconds, not '${text}'`)
  return Number(text)
}
