import type { Subscriber, SubscriberAdminServiceClient } from '@rollcall/proto-gen/admin'
import { callUnary } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { withSubscriberAdmin } from './admin-client.ts'

const PAGE_SIZE = 200

/** `rollcall subscriber list` */
export async function listSubscribers(invocation: Invocation): Promise<void> {
  const { output } = invocation
  await withSubscriberAdmin(invocation, async (client) => {
    for await (const { subscriptionId, privateIdentities, serviceProfile } of allSubscribers(client)) {
      const impis = privateIdentities.map(({ impi }) => impi)
      const impus = serviceProfile?.publicIdentities.map(({ identity }) => identity) ?? []
      const text = [
        subscriptionId,
        `  private  ${impis.join('\n           ')}`,
        `  public   ${impus.join('\n           ')}`,
      ]
      output.tell(text.join('\n'), { subscriptionId, impis, impus })
    }
  })
}

async function* allSubscribers(client: SubscriberAdminServiceClient): AsyncGenerator<Subscriber> {
  let pageToken = ''
  do {
    const page = await callUnary(client.listSubscribers.bind(client), { pageSize: PAGE_SIZE, pageToken })
    yield* page.subscribers
    pageToken = page.nextPageToken
  } while (pageToken !== '')
}
