import { ShNotificationServiceClient } from '@rollcall/proto-gen/sh'
import { callUnary, createGrpcClient, type Runtime } from '@rollcall/runtime'
import type { PresenceServer } from './policy-push.ts'

/** The Presence Servers over gRPC. Closing them ends what is under way. */
export class PresenceServers implements Disposable {
  readonly list: readonly PresenceServer[]
  readonly #clients: readonly ShNotificationServiceClient[]

  constructor(targets: readonly string[], { identity, metrics }: Pick<Runtime, 'identity' | 'metrics'>) {
    const connected = targets.map((target) => ({
      target,
      client: createGrpcClient(ShNotificationServiceClient, { target, role: 'presence', identity, metrics }),
    }))
    this.#clients = connected.map(({ client }) => client)
    this.list = connected.map(({ target, client }) => ({
      target,
      push: async (request, deadlineMs) => {
        await callUnary(client.pushNotification.bind(client), request, { deadlineMs })
      },
    }))
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client.close()
  }
}
