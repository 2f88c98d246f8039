import {
  CxResult,
  type UserAuthorizationRequest,
  type UserAuthorizationResponse,
  UserAuthorizationType,
} from '@rollcall/proto-gen/cx'
import type { HssContext } from '../context.ts'
import { isRegistered } from './locations.ts'
import { refuseUser, resolveUser } from './resolve.ts'

/**
 * UAR/UAA: may this user register, and which S-CSCF serves it now? Every visited network is a home network here: there
 * is no roaming agreement to ask. A de-registration of who is not registered is 5003.
 *
 * @see TS 29.228 clause 6.1.1.1
 */
export async function userAuthorization(
  context: HssContext,
  request: UserAuthorizationRequest,
): Promise<UserAuthorizationResponse> {
  const found = await resolveUser(context.repository, request.impi, request.impu)
  if (!found.ok) {
    refuseUser(context.events, found, request)
    return { result: found.result, serverName: '' }
  }
  const location = await context.locations.get(found.subscriber)
  const isDeregistration = request.type === UserAuthorizationType.USER_AUTHORIZATION_TYPE_DE_REGISTRATION
  if (isDeregistration && !isRegistered(location)) {
    context.events.refused('identity-not-registered')
    return { result: CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED, serverName: '' }
  }
  const { serverName } = location
  if (isDeregistration) return { result: CxResult.CX_RESULT_SUCCESS, serverName }
  const isFirst = serverName === ''
  const result = isFirst ? CxResult.CX_RESULT_FIRST_REGISTRATION : CxResult.CX_RESULT_SUBSEQUENT_REGISTRATION
  return { result, serverName }
}
