import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { withSubscriberAdmin } from './admin-client.ts'
import { subscriberOption } from './read-json.ts'

/** `rollcall subscriber add --file FILE` */
export async function addSubscriber(invocation: Invocation): Promise<void> {
  const { output } = invocation
  const subscriber = await subscriberOption(invocation)
  const { created } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.addSubscriber.bind(client), { subscriber }),
  )
  const { subscriptionId } = subscriber
  output.tell(created ? `added ${subscriptionId}` : `${subscriptionId} was there already, just like this`, {
    event: 'subscriber-added',
    subscriptionId,
    created,
  })
}
