import { type Impi, type Impu, parseImpi, parseImpu, RollcallError } from '@rollcall/core'
import { CxResult } from '@rollcall/proto-gen/cx'
import type { HssEvents } from '../events.ts'
import type { SubscriberRepository } from '../subscribers/repository.ts'
import { impusOf, type PrivateUser, privateUserOf, type Subscriber } from '../subscribers/subscriber.ts'

/** A private and a public identity that belong together. */
export interface ResolvedUser {
  readonly ok: true
  readonly subscriber: Subscriber
  readonly user: PrivateUser
  readonly impi: Impi
}

/** Why they do not. */
export interface UnresolvedUser {
  readonly ok: false
  readonly result: CxResult
}

/**
 * Finds the user whom an IMPI and an IMPU name together: either unknown is 5001, both known but not of one subscription
 * 5002.
 *
 * @see TS 29.228 clause 6.1.1.1
 */
export async function resolveUser(
  repository: SubscriberRepository,
  impiText: string,
  impuText: string,
): Promise<ResolvedUser | UnresolvedUser> {
  const impi = attempt(() => parseImpi(impiText))
  const impu = attempt(() => parseImpu(impuText))
  const subscriber = impi && impu ? await repository.findByImpi(impi) : undefined
  const user = subscriber && impi ? privateUserOf(subscriber, impi) : undefined
  if (!impi || !impu || !subscriber || !user) return { ok: false, result: CxResult.CX_RESULT_USER_UNKNOWN }
  // guard: identities-match — an IMPI registers the IMPUs of its own subscription alone
  if (impusOf(subscriber).includes(impu)) return { ok: true, subscriber, user, impi }
  const other = await repository.findByImpu(impu)
  const result = other ? CxResult.CX_RESULT_IDENTITIES_DONT_MATCH : CxResult.CX_RESULT_USER_UNKNOWN
  return { ok: false, result }
}

/** Counts and audits a user who was not resolved. */
export function refuseUser(
  events: HssEvents,
  unresolved: UnresolvedUser,
  request: { readonly impi: string; readonly impu: string },
): void {
  const isMismatch = unresolved.result === CxResult.CX_RESULT_IDENTITIES_DONT_MATCH
  events.identityRefused(isMismatch ? 'identities-dont-match' : 'user-unknown', request.impi, request.impu)
}

/** Finds the subscription that a public identity belongs to; undefined when it is unknown or no identity at all. */
export async function resolveImpu(
  repository: SubscriberRepository,
  impuText: string,
): Promise<{ readonly subscriber: Subscriber; readonly impu: Impu } | undefined> {
  const impu = attempt(() => parseImpu(impuText))
  const subscriber = impu && (await repository.findByImpu(impu))
  return impu && subscriber ? { subscriber, impu } : undefined
}

function attempt<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof RollcallError) return undefined
    throw error
  }
}
