import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { withSubscriberAdmin } from './admin-client.ts'
import { subscriberOption } from './read-json.ts'
import { effectWord } from './registration-effect.ts'

/** The HSS answers when the S-CSCF has the profile: with a partition on the move that takes seconds. */
const DEADLINE_MS = 20_000

/** `rollcall subscriber profile --file FILE` */
export async function setServiceProfile(invocation: Invocation): Promise<void> {
  const { output } = invocation
  const { subscriptionId, serviceProfile } = await subscriberOption(invocation)
  const { registrations } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.setServiceProfile.bind(client), { subscriptionId, serviceProfile }, { deadlineMs: DEADLINE_MS }),
  )
  const registration = effectWord(registrations)
  output.tell(`the profile of ${subscriptionId} is stored; registrations: ${registration}`, {
    event: 'service-profile-set',
    subscriptionId,
    registration,
  })
}
