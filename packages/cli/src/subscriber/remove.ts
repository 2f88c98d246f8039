import { RegistrationEffect } from '@rollcall/proto-gen/admin'
import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { withSubscriberAdmin } from './admin-client.ts'
import { effectWord } from './registration-effect.ts'

/** The HSS answers when the S-CSCF has ended the registrations: with a partition on the move that takes seconds. */
const DEADLINE_MS = 20_000

/** `rollcall subscriber remove ID` */
export async function removeSubscriber(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [subscriptionId = ''] = options.positionals
  const { registrations } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.removeSubscriber.bind(client), { subscriptionId }, { deadlineMs: DEADLINE_MS }),
  )
  const registration = effectWord(registrations)
  output.tell(`removed ${subscriptionId}; registrations: ${registration}`, {
    event: 'subscriber-removed',
    subscriptionId,
    registration,
  })
  if (registrations === RegistrationEffect.REGISTRATION_EFFECT_AT_NEXT_REGISTRATION) {
    output.remark("what is registered may go on until it expires: end it by 'rollcall registration deregister IMPU'")
  }
}
