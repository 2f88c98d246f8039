import { InvalidIdentityError, parseImpi } from '@rollcall/core'
import { type MultimediaAuthRequest, type MultimediaAuthResponse, ZhResult } from '@rollcall/proto-gen/zh'
import { parseResynchronisation } from '../auc/authentication-centre.ts'
import type { HssContext } from '../context.ts'
import { RequestInvalidError } from '../errors.ts'
import { privateUserOf } from '../subscribers/subscriber.ts'
import { gussOf } from './guss.ts'

/**
 * MAR/MAA over Zh: one vector, after resynchronisation when the request carries AUTS, and the user's security settings.
 * Its sequence number has an IND of its own slice, so that bootstrapping and registration do not make each other's vectors
 * stale (readings, Access 8). An AUTS whose MAC-S is wrong changes nothing and still gets a vector.
 *
 * @throws RequestInvalidError when `auts` and `rand` have other lengths than AUTS and RAND.
 * @see TS 29.109 clause 4.3, TS 33.220 clause 4.4.5
 */
export async function multimediaAuthForGba(
  context: HssContext,
  request: MultimediaAuthRequest,
): Promise<MultimediaAuthResponse> {
  const isResync = request.auts.length > 0 || request.rand.length > 0
  const resync = isResync ? parseResynchronisation(Buffer.concat([request.rand, request.auts])) : undefined
  const isSplit = request.rand.length === 16
  if (isResync && (!resync || !isSplit)) throw new RequestInvalidError('auts and rand must be 14 and 16 octets')
  const found = await find(context, request.impi)
  if (!found) {
    context.events.gbaIdentityRefused(request.impi)
    return { result: ZhResult.ZH_RESULT_IDENTITY_UNKNOWN, vector: undefined, guss: undefined }
  }
  const { subscriber, user } = found
  const { vector, resynchronisation } = await context.auc.makeVector(subscriber, user, { consumer: 'zh', resync })
  if (resynchronisation !== 'none') context.events.resynchronised(resynchronisation, user.impi)
  const { rand, autn } = vector
  const [xres, ck, ik] = [vector.xres.reveal(), vector.ck.reveal(), vector.ik.reveal()]
  return {
    result: ZhResult.ZH_RESULT_SUCCESS,
    vector: { rand, autn, xres, ck, ik },
    guss: gussOf(subscriber, user),
  }
}

async function find({ repository }: HssContext, impiText: string) {
  try {
    const impi = parseImpi(impiText)
    const subscriber = await repository.findByImpi(impi)
    const user = subscriber && privateUserOf(subscriber, impi)
    return subscriber && user ? { subscriber, user } : undefined
  } catch (error) {
    if (error instanceof InvalidIdentityError) return undefined
    throw error
  }
}
