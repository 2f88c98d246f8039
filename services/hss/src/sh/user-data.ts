import type { UserDataRequest, UserDataResponse } from '@rollcall/proto-gen/sh'
import type { HssContext } from '../context.ts'
import { resolveImpu } from '../cx/resolve.ts'
import { type Subscriber, usableImpusOf } from '../subscribers/subscriber.ts'

/**
 * UDR/UDA: what an application server may know of a user. Barred identities are not told: nobody may be reached by them.
 *
 * @see TS 29.328 clause 6.1.1.1
 */
export async function userData(context: HssContext, request: UserDataRequest): Promise<UserDataResponse> {
  const found = await resolveImpu(context.repository, request.impu)
  if (!found) {
    context.events.refused('user-unknown')
    return { found: false, canonicalImpu: '', impus: [], presencePolicy: undefined, revision: 0n }
  }
  return { found: true, ...userDataOf(found.subscriber) }
}

/** What both Sh-Pull and Sh-Push tell of a user. */
export function userDataOf({ serviceProfile, presencePolicy, revision }: Subscriber): Omit<UserDataResponse, 'found'> {
  const { canonicalImpu } = serviceProfile
  return { canonicalImpu, impus: usableImpusOf({ serviceProfile }), presencePolicy, revision }
}
