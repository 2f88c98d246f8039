import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { printable } from '../printable.ts'
import { withScscfAdmin } from './admin-client.ts'

/** `rollcall registration list` */
export async function listRegistrations(invocation: Invocation): Promise<void> {
  const { output } = invocation
  const { registrations } = await withScscfAdmin(invocation, (client) => {
    return callUnary(client.listRegistrations.bind(client), {})
  })
  for (const { canonicalImpu, impus, impi, contactUri, expiresAtMs } of registrations) {
    const expiresAt = new Date(Number(expiresAtMs)).toISOString()
    const text = [
      canonicalImpu,
      `  public   ${impus.join('\n           ')}`,
      `  private  ${impi}`,
      // The UE wrote it.
      `  contact  ${printable(contactUri)}`,
      `  until    ${expiresAt}`,
    ]
    output.tell(text.join('\n'), { canonicalImpu, impus, impi, contactUri, expiresAt })
  }
  if (registrations.length === 0) output.remark('nobody is registered')
}
