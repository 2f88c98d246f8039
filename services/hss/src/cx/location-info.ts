import {
  CxResult,
  type LocationInfoRequest,
  type LocationInfoResponse,
  ProfilePartIndicator,
  type ServiceProfile,
} from '@rollcall/proto-gen/cx'
import type { HssContext } from '../context.ts'
import { resolveImpu } from './resolve.ts'

/**
 * LIR/LIA: who is this identity, and which S-CSCF serves it? Who is not registered and has services for that state gets
 * 2003 without a name; who has none, 5003.
 *
 * @see TS 29.228 clause 6.1.4.1
 */
export async function locationInfo(context: HssContext, request: LocationInfoRequest): Promise<LocationInfoResponse> {
  const found = await resolveImpu(context.repository, request.impu)
  if (!found) {
    context.events.refused('user-unknown')
    return { result: CxResult.CX_RESULT_USER_UNKNOWN, serverName: '', canonicalImpu: '' }
  }
  const { serviceProfile } = found.subscriber
  const { serverName } = await context.locations.get(found.subscriber)
  return { result: resultOf(serverName, serviceProfile), serverName, canonicalImpu: serviceProfile.canonicalImpu }
}

function resultOf(serverName: string, profile: ServiceProfile): CxResult {
  if (serverName !== '') return CxResult.CX_RESULT_SUCCESS
  return hasUnregisteredServices(profile)
    ? CxResult.CX_RESULT_UNREGISTERED_SERVICE
    : CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED
}

/** Filter criteria that are not for the registered part alone (TS 29.228 annex B.2.2). */
function hasUnregisteredServices(profile: ServiceProfile): boolean {
  return profile.initialFilterCriteria.some(
    ({ profilePartIndicator }) => profilePartIndicator !== ProfilePartIndicator.PROFILE_PART_INDICATOR_REGISTERED,
  )
}
