import type { RemoveSubscriberRequest, RemoveSubscriberResponse } from '@rollcall/proto-gen/admin'
import { DeregistrationReason } from '@rollcall/proto-gen/cx'
import type { RpcContext } from '@rollcall/runtime'
import type { HssContext } from '../context.ts'
import { isRegistered, NO_LOCATION } from '../cx/locations.ts'
import { SubscriberUnknownError } from '../errors.ts'
import { tellScscf } from './registration-effect.ts'

/**
 * Removes a subscriber, then ends its registrations by RTR: the UEs are told not to come again. Whom no S-CSCF could be
 * told of is refused at the next REGISTER all the same.
 *
 * @throws SubscriberUnknownError
 * @see TS 29.228 clause 6.1.3, TS 29.229 clause 6.3.17
 */
export async function removeSubscriber(
  context: HssContext,
  request: RemoveSubscriberRequest,
  call: Pick<RpcContext, 'remainingMs'>,
): Promise<RemoveSubscriberResponse> {
  const before = await context.repository.findById(request.subscriptionId)
  // The location goes with the subscriber.
  const location = before ? await context.locations.get(before) : NO_LOCATION
  const removed = await context.repository.remove(request.subscriptionId)
  if (!removed) {
    context.events.refused('subscriber-unknown')
    throw new SubscriberUnknownError()
  }
  context.events.subscriberChanged('allowed', 'removed', request.subscriptionId)
  const reason = DeregistrationReason.DEREGISTRATION_REASON_PERMANENT_TERMINATION
  const registrations = await tellScscf(context, call, isRegistered(location), (push, deadlineMs) => {
    return push.terminate(removed, reason, deadlineMs)
  })
  return { registrations }
}
