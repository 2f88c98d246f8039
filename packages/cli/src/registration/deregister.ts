import { DeregistrationKind } from '@rollcall/proto-gen/admin'
import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { UsageError } from '../errors.ts'
import { operandImpu, secondsOption, withScscfAdmin } from './admin-client.ts'

const KINDS: Readonly<Record<string, DeregistrationKind>> = {
  deactivated: DeregistrationKind.DEREGISTRATION_KIND_DEACTIVATED,
  probation: DeregistrationKind.DEREGISTRATION_KIND_PROBATION,
  rejected: DeregistrationKind.DEREGISTRATION_KIND_REJECTED,
}

/** `rollcall registration deregister IMPU` */
export async function deregister(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const impu = operandImpu(invocation)
  const word = options.text('as') ?? 'deactivated'
  const kind = KINDS[word] ?? DeregistrationKind.DEREGISTRATION_KIND_DEACTIVATED
  const retryAfterSeconds = secondsOption(invocation, 'retry-after')
  if (retryAfterSeconds > 0 && word !== 'probation') throw new UsageError('--retry-after goes with --as probation')
  const request = { impu, impi: options.text('impi') ?? '', kind, retryAfterSeconds, forwarded: false }
  const { contacts } = await withScscfAdmin(invocation, (client) => {
    return callUnary(client.deregister.bind(client), request)
  })
  output.tell(`${impu}: ${contacts} ${contacts === 1 ? 'contact' : 'contacts'} ended`, {
    event: 'deregistered',
    impu,
    contacts,
    as: word,
  })
}
