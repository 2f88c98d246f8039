import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { operandImpu, secondsOption, withScscfAdmin } from './admin-client.ts'

/** `rollcall registration reauthenticate IMPU` */
export async function reauthenticate(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const impu = operandImpu(invocation)
  const expiresSeconds = secondsOption(invocation, 'within')
  const request = { impu, impi: options.text('impi') ?? '', expiresSeconds, forwarded: false }
  const { contacts } = await withScscfAdmin(invocation, (client) => {
    return callUnary(client.reauthenticate.bind(client), request)
  })
  output.tell(`${impu}: ${contacts} ${contacts === 1 ? 'contact' : 'contacts'} to authenticate anew`, {
    event: 'reauthentication-asked',
    impu,
    contacts,
  })
}
