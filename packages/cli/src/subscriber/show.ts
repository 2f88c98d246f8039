import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { withSubscriberAdmin } from './admin-client.ts'
import { writeSubscriber } from './profile-json.ts'

/** `rollcall subscriber show KEY` */
export async function showSubscriber(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [key = ''] = options.positionals
  const { subscriber, serverName } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.getSubscriber.bind(client), { key }),
  )
  if (!subscriber) return
  const profile = writeSubscriber(subscriber)
  const served = serverName === '' ? 'not registered' : `served by ${serverName}`
  output.tell(`${JSON.stringify(profile, undefined, 2)}\n${served}`, { ...profile, serverName })
}
