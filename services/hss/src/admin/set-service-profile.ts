import type { SetServiceProfileRequest, SetServiceProfileResponse } from '@rollcall/proto-gen/admin'
import { DeregistrationReason, type ServiceProfile } from '@rollcall/proto-gen/cx'
import type { RpcContext } from '@rollcall/runtime'
import type { HssContext } from '../context.ts'
import { isRegistered, NO_LOCATION } from '../cx/locations.ts'
import { SubscriberExistsError, SubscriberInvalidError, SubscriberUnknownError } from '../errors.ts'
import type { Subscriber } from '../subscribers/subscriber.ts'
import { Problems } from './problems.ts'
import { tellScscf } from './registration-effect.ts'
import { validateProfile } from './validate-subscriber.ts'

/**
 * Stores another service profile and brings it to the S-CSCF: by PPR, or, when an identity may not be used any more, by RTR
 * for its set. Choice: the UEs are told that they may register again at once, which gives them what is left.
 *
 * @throws SubscriberInvalidError with every problem; SubscriberUnknownError; SubscriberExistsError.
 * @see TS 29.228 clauses 6.1.3 and 6.2.2
 */
export async function setServiceProfile(
  context: HssContext,
  request: SetServiceProfileRequest,
  call: Pick<RpcContext, 'remainingMs'>,
): Promise<SetServiceProfileResponse> {
  const { subscriptionId } = request
  const { before, after } = await store(context, request)
  context.events.subscriberChanged('allowed', 'profile-changed', subscriptionId)
  const isServed = isRegistered(await context.locations.get(after))
  if (isServed && hasLostIdentities(before.serviceProfile, after.serviceProfile)) {
    // Before the S-CSCF is told: whoever registers again at once is not forgotten by this.
    await context.locations.change(after, () => NO_LOCATION)
    const reason = DeregistrationReason.DEREGISTRATION_REASON_SERVER_CHANGE
    const registrations = await tellScscf(context, call, isServed, (push, deadlineMs) => {
      return push.terminate(before, reason, deadlineMs)
    })
    return { registrations }
  }
  const registrations = await tellScscf(context, call, isServed, (push, ms) => push.pushProfile(after, ms))
  return { registrations }
}

async function store(
  context: HssContext,
  { subscriptionId, serviceProfile }: SetServiceProfileRequest,
): Promise<{ readonly before: Subscriber; readonly after: Subscriber }> {
  const problems = new Problems()
  const profile = validateProfile(serviceProfile, context.realm, problems)
  const known = await context.repository.findById(subscriptionId)
  if (known) {
    const { canonicalImpu } = known.serviceProfile
    const isKept = profile.canonicalImpu === canonicalImpu
    // Partitions, and what the Presence Server keeps, are found by it.
    problems.require(
      isKept,
      'service_profile.public_identities',
      `must keep ${canonicalImpu} as the first sip: identity`,
    )
  }
  if (problems.found.length > 0) {
    context.events.refused('subscriber-invalid')
    context.events.subscriberChanged('refused', 'invalid', subscriptionId)
    throw new SubscriberInvalidError(problems.found)
  }
  try {
    const changed = await context.repository.setServiceProfile(subscriptionId, profile)
    if (changed) return changed
  } catch (error) {
    if (!(error instanceof SubscriberExistsError)) throw error
    context.events.refused('subscriber-exists')
    context.events.subscriberChanged('refused', 'exists', subscriptionId)
    throw error
  }
  context.events.refused('subscriber-unknown')
  throw new SubscriberUnknownError()
}

/** Whether an identity that could be used before is barred now, or is gone. */
function hasLostIdentities(before: ServiceProfile, after: ServiceProfile): boolean {
  const usable = (profile: ServiceProfile): string[] => {
    return profile.publicIdentities.filter((one) => !one.barringIndication).map(({ identity }) => identity)
  }
  const left = new Set(usable(after))
  return usable(before).some((identity) => !left.has(identity))
}
