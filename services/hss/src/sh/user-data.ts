import type { UserDataRequest, UserDataResponse } from '@rollcall/proto-gen/sh'
import type { HssContext } from '../context.ts'
import { resolveImpu } from '../cx/resolve.ts'

/**
 * UDR/UDA: what an application server may know of a user. Barred identities are not told: nobody may be reached by them.
 *
 * @see TS 29.328 clause 6.1.1.1
 */
export async function userData(context: HssContext, request: UserDataRequest): Promise<UserDataResponse> {
  const found = await resolveImpu(context.repository, request.impu)
  if (!found) {
    context.events.refused('user-unknown')
    return { found: false, canonicalImpu: '', impus: [], presencePolicy: undefined }
  }
  const { serviceProfile, presencePolicy } = found.subscriber
  return {
    found: true,
    canonicalImpu: serviceProfile.canonicalImpu,
    impus: serviceProfile.publicIdentities
      .filter(({ barringIndication }) => !barringIndication)
      .map(({ identity }) => identity),
    presencePolicy,
  }
}
