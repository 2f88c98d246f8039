import { parseImpi, parseImpu } from '@rollcall/core'
import type { GetSubscriberRequest, GetSubscriberResponse } from '@rollcall/proto-gen/admin'
import type { HssContext } from '../context.ts'
import { SubscriberUnknownError } from '../errors.ts'
import type { Subscriber } from '../subscribers/subscriber.ts'
import { viewSubscriber } from './subscriber-view.ts'
import { SUBSCRIPTION_ID } from './validate-subscriber.ts'

/**
 * Shows a subscriber, found by subscription id, IMPI or IMPU: no text can be two of them.
 *
 * @throws SubscriberUnknownError
 * @throws InvalidIdentityError when the key is none of the three.
 */
export async function getSubscriber(
  context: HssContext,
  request: GetSubscriberRequest,
): Promise<GetSubscriberResponse> {
  const subscriber = await find(context, request.key)
  if (!subscriber) {
    context.events.refused('subscriber-unknown')
    throw new SubscriberUnknownError()
  }
  const { serverName } = await context.locations.get(subscriber)
  return { subscriber: viewSubscriber(subscriber), serverName }
}

async function find(context: HssContext, key: string): Promise<Subscriber | undefined> {
  if (SUBSCRIPTION_ID.test(key)) return await context.repository.findById(key)
  if (/^(?:sips?|tel):/i.test(key)) return await context.repository.findByImpu(parseImpu(key))
  return await context.repository.findByImpi(parseImpi(key))
}
