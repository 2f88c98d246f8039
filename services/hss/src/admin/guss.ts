import { type Impi, parseImpi, parseImpu } from '@rollcall/core'
import { checkGuss, type Guss, InvalidGussError } from '@rollcall/gba'
import type { GetGussRequest, GetGussResponse, SetGussRequest, SetGussResponse } from '@rollcall/proto-gen/admin'
import type { HssContext } from '../context.ts'
import { SubscriberUnknownError } from '../errors.ts'
import { type PrivateUser, privateUserOf, type Subscriber } from '../subscribers/subscriber.ts'
import { gussOf } from '../zh/guss.ts'

/**
 * Stores the GBA user security settings of a private identity, or goes back to those made from its identities. A BSF gets
 * them with the next bootstrapping.
 *
 * @throws InvalidGussError with every problem; InvalidIdentityError; SubscriberUnknownError.
 * @see TS 33.220 clause 4.4.6
 */
export async function setGuss(context: HssContext, request: SetGussRequest): Promise<SetGussResponse> {
  const impi = parseImpi(request.impi)
  const guss = request.guss && canonicalGuss(context, impi, request.guss)
  const subscriber = await context.repository.setGuss(impi, guss)
  const { user } = known(context, impi, subscriber)
  context.events.credentialsChanged('allowed', guss ? 'guss-set' : 'guss-removed', impi)
  return { guss: subscriber && gussOf(subscriber, user) }
}

/**
 * The settings as a BSF gets them.
 *
 * @throws InvalidIdentityError, SubscriberUnknownError
 */
export async function getGuss(context: HssContext, request: GetGussRequest): Promise<GetGussResponse> {
  const impi = parseImpi(request.impi)
  const { subscriber, user } = known(context, impi, await context.repository.findByImpi(impi))
  return { guss: gussOf(subscriber, user), isProvisioned: user.guss !== undefined }
}

/** Public identities in the form in which the profile has them. */
function canonicalGuss(context: HssContext, impi: Impi, guss: Guss): Guss {
  try {
    checkGuss(guss)
  } catch (error) {
    if (error instanceof InvalidGussError) {
      context.events.refused('subscriber-invalid')
      context.events.credentialsChanged('refused', 'invalid', impi)
    }
    throw error
  }
  const canonical = (uid: string): string => (/^(?:sips?|tel):/i.test(uid) ? parseImpu(uid) : uid)
  return { ...guss, uss: guss.uss.map((one) => ({ ...one, uids: one.uids.map(canonical) })) }
}

function known(
  context: HssContext,
  impi: Impi,
  subscriber: Subscriber | undefined,
): { readonly subscriber: Subscriber; readonly user: PrivateUser } {
  const user = subscriber && privateUserOf(subscriber, impi)
  if (user) return { subscriber, user }
  context.events.refused('subscriber-unknown')
  throw new SubscriberUnknownError()
}
