import type { AddSubscriberRequest, AddSubscriberResponse } from '@rollcall/proto-gen/admin'
import type { HssContext } from '../context.ts'
import { SubscriberExistsError, SubscriberInvalidError } from '../errors.ts'
import { validateSubscriber } from './validate-subscriber.ts'

/**
 * Provisions a subscriber; the very same one again is no error and creates nothing.
 *
 * @throws SubscriberInvalidError with every problem.
 * @throws SubscriberExistsError when the id or an identity belongs to somebody already.
 */
export async function addSubscriber(
  context: HssContext,
  request: AddSubscriberRequest,
): Promise<AddSubscriberResponse> {
  const id = request.subscriber?.subscriptionId ?? ''
  try {
    const outcome = await context.repository.add(validateSubscriber(request.subscriber, context.realm))
    context.events.subscriberChanged('allowed', outcome === 'created' ? 'added' : 'same-again', id)
    return { created: outcome === 'created' }
  } catch (error) {
    if (error instanceof SubscriberInvalidError) {
      context.events.refused('subscriber-invalid')
      context.events.subscriberChanged('refused', 'invalid', id)
    } else if (error instanceof SubscriberExistsError) {
      context.events.refused('subscriber-exists')
      context.events.subscriberChanged('refused', 'exists', id)
    }
    throw error
  }
}
