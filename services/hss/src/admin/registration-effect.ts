import { RegistrationEffect } from '@rollcall/proto-gen/admin'
import type { RpcContext } from '@rollcall/runtime'
import type { HssContext } from '../context.ts'
import type { RegistrationPush } from '../cx/registration-push.ts'

/** The S-CSCF gets this long, or what the operator's deadline leaves. */
const PUSH_MS_MAX = 15_000
/** What is kept of the operator's deadline for the answer. */
const ANSWER_MS = 250

/** Tells the S-CSCF, if there is one to tell and something to be told about, and says what came of it. */
export async function tellScscf(
  context: Pick<HssContext, 'registrations' | 'events'>,
  call: Pick<RpcContext, 'remainingMs'>,
  isServed: boolean,
  tell: (push: Pick<RegistrationPush, 'terminate' | 'pushProfile'>, deadlineMs: number) => Promise<boolean>,
): Promise<RegistrationEffect> {
  if (!isServed) return RegistrationEffect.REGISTRATION_EFFECT_NONE
  if (!context.registrations) return RegistrationEffect.REGISTRATION_EFFECT_AT_NEXT_REGISTRATION
  const deadlineMs = Math.min((call.remainingMs ?? PUSH_MS_MAX) - ANSWER_MS, PUSH_MS_MAX)
  if (await tell(context.registrations, deadlineMs)) return RegistrationEffect.REGISTRATION_EFFECT_IN_FORCE
  context.events.refused('registrations-not-told')
  return RegistrationEffect.REGISTRATION_EFFECT_AT_NEXT_REGISTRATION
}
