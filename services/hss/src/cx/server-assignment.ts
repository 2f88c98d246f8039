import type { Impi } from '@rollcall/core'
import { CxResult, type ServerAssignmentRequest, type ServerAssignmentResponse } from '@rollcall/proto-gen/cx'
import type { HssContext } from '../context.ts'
import type { Subscriber } from '../subscribers/subscriber.ts'
import { applyAssignment, isKnownAssignmentType, wantsProfile } from './assignment.ts'
import { refuseUser, resolveImpu, resolveUser } from './resolve.ts'

/**
 * SAR/SAA: stores what became of the registration and gives the profile. One IMPU stands for its whole implicit set; an
 * empty IMPI means an unregistered user or, when de-registering, every private identity.
 *
 * @see TS 29.228 clause 6.1.2.1
 */
export async function serverAssignment(
  context: HssContext,
  request: ServerAssignmentRequest,
): Promise<ServerAssignmentResponse> {
  const { type, serverName } = request
  if (!isKnownAssignmentType(type) || serverName === '') {
    context.events.refused('invalid-request')
    return { result: CxResult.CX_RESULT_IN_ASSIGNMENT_TYPE, profile: undefined }
  }
  const found = await resolve(context, request)
  if (!found.ok) {
    refuseUser(context.events, found, request)
    return { result: found.result, profile: undefined }
  }
  const { subscriber, impi } = found
  const outcome = await context.locations.change(subscriber, (location) =>
    applyAssignment(location, { type, serverName, impi }),
  )
  if (outcome === 'refused') {
    context.events.refused('other-server')
    return { result: CxResult.CX_RESULT_IDENTITY_ALREADY_REGISTERED, profile: undefined }
  }
  return {
    result: CxResult.CX_RESULT_SUCCESS,
    profile: wantsProfile(request, type) ? subscriber.serviceProfile : undefined,
  }
}

async function resolve(
  context: HssContext,
  request: ServerAssignmentRequest,
): Promise<
  | { readonly ok: true; readonly subscriber: Subscriber; readonly impi: Impi | undefined }
  | { readonly ok: false; readonly result: CxResult }
> {
  if (request.impi !== '') return await resolveUser(context.repository, request.impi, request.impu)
  const found = await resolveImpu(context.repository, request.impu)
  if (!found) return { ok: false, result: CxResult.CX_RESULT_USER_UNKNOWN }
  return { ok: true, subscriber: found.subscriber, impi: undefined }
}
