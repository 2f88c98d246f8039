import type { Subscriber } from '@rollcall/proto-gen/admin'
import { RpcError } from '@rollcall/runtime'
import type { World } from './world.ts'

/** The HSS knows somebody of the story with other keys or another profile than the credentials files. */
export class WorldMismatchError extends Error {
  override readonly name = 'WorldMismatchError'
}

/** Who was added, and who was there already, the very same. */
export interface Provisioned {
  readonly added: readonly string[]
  readonly present: readonly string[]
}

/**
 * Tells the HSS of everybody in the story. `add` gives whether it was news.
 *
 * @throws WorldMismatchError, and what else `add` throws.
 */
export async function provisionWorld(
  world: World,
  add: (subscriber: Subscriber) => Promise<boolean>,
): Promise<Provisioned> {
  const added: string[] = []
  const present: string[] = []
  for (const subscriber of world.subscribers) {
    const isNew = await tell(subscriber, add)
    ;(isNew ? added : present).push(subscriber.subscriptionId)
  }
  return { added, present }
}

async function tell(subscriber: Subscriber, add: (subscriber: Subscriber) => Promise<boolean>): Promise<boolean> {
  try {
    return await add(subscriber)
  } catch (error) {
    if (!(error instanceof RpcError) || error.code !== 'RPC_ALREADY_EXISTS') throw error
    const { subscriptionId } = subscriber
    throw new WorldMismatchError(
      `the HSS knows ${subscriptionId} with other keys or another profile than the credentials files: they belong to ` +
        `another store. Bring the files back, or remove ${subscriptionId} at the HSS`,
      { cause: error },
    )
  }
}
