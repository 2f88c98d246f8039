import { CxResult, type MultimediaAuthRequest, type MultimediaAuthResponse } from '@rollcall/proto-gen/cx'
import { parseResynchronisation } from '../auc/authentication-centre.ts'
import type { HssContext } from '../context.ts'
import { RequestInvalidError } from '../errors.ts'
import { applyAuthentication } from './assignment.ts'
import { refuseUser, resolveUser } from './resolve.ts'

/**
 * MAR/MAA: one vector, after resynchronisation when the request carries RAND and AUTS. An AUTS whose MAC-S is wrong
 * changes nothing and still gets a vector.
 *
 * @throws RequestInvalidError when `resync` has another length than RAND and AUTS together.
 * @see TS 29.228 clause 6.3.1
 */
export async function multimediaAuth(
  context: HssContext,
  request: MultimediaAuthRequest,
): Promise<MultimediaAuthResponse> {
  const resync = request.resync.length > 0 ? parseResynchronisation(request.resync) : undefined
  if (request.resync.length > 0 && !resync) throw new RequestInvalidError('resync must be RAND and AUTS, 30 octets')
  const found = await resolveUser(context.repository, request.impi, request.impu)
  if (!found.ok) {
    refuseUser(context.events, found, request)
    return { result: found.result, vector: undefined }
  }
  const { vector, resynchronisation } = await context.auc.makeVector(found.subscriber, found.user, {
    consumer: 'cx',
    resync,
  })
  if (resynchronisation !== 'none') context.events.resynchronised(resynchronisation, found.impi)
  await context.locations.change(found.subscriber, (location) =>
    applyAuthentication(location, request.serverName, resync !== undefined),
  )
  return {
    result: CxResult.CX_RESULT_SUCCESS,
    vector: {
      rand: vector.rand,
      autn: vector.autn,
      xres: vector.xres.reveal(),
      ck: vector.ck.reveal(),
      ik: vector.ik.reveal(),
    },
  }
}
