import type { RemoveSubscriberRequest, RemoveSubscriberResponse } from '@rollcall/proto-gen/admin'
import type { HssContext } from '../context.ts'
import { SubscriberUnknownError } from '../errors.ts'

/**
 * Removes a subscriber. What the S-CSCF knows of it runs out by itself: a re-registration is refused, a new one too.
 *
 * @throws SubscriberUnknownError
 */
export async function removeSubscriber(
  context: HssContext,
  request: RemoveSubscriberRequest,
): Promise<RemoveSubscriberResponse> {
  const removed = await context.repository.remove(request.subscriptionId)
  if (!removed) {
    context.events.refused('subscriber-unknown')
    throw new SubscriberUnknownError()
  }
  context.events.subscriberChanged('allowed', 'removed', request.subscriptionId)
  return {}
}
