import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { withSubscriberAdmin } from './admin-client.ts'

/** `rollcall subscriber remove ID` */
export async function removeSubscriber(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [subscriptionId = ''] = options.positionals
  await withSubscriberAdmin(invocation, (client) => callUnary(client.removeSubscriber.bind(client), { subscriptionId }))
  output.tell(`removed ${subscriptionId}`, { event: 'subscriber-removed', subscriptionId })
}
