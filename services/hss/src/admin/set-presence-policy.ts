import { parseImpu } from '@rollcall/core'
import { PolicyEffect, type SetPresencePolicyRequest, type SetPresencePolicyResponse } from '@rollcall/proto-gen/admin'
import type { RpcContext } from '@rollcall/runtime'
import type { HssContext } from '../context.ts'
import { PolicyNotInForceError, SubscriberInvalidError, SubscriberUnknownError } from '../errors.ts'
import { userDataOf } from '../sh/user-data.ts'
import type { Subscriber } from '../subscribers/subscriber.ts'
import { Problems } from './problems.ts'
import { validatePolicy } from './validate-subscriber.ts'

/** The Presence Servers get this long, or what the operator's deadline leaves. */
const PUSH_MS_MAX = 15_000
/** What is kept of the operator's deadline for the answer. */
const ANSWER_MS = 250

/**
 * Stores another presence policy, then tells the Presence Servers, and answers when it is in force: from then on no
 * presence goes to a watcher whom it blocks. The same policy again writes nothing and is pushed all the same.
 *
 * @throws SubscriberInvalidError with every problem; InvalidIdentityError; SubscriberUnknownError.
 * @throws PolicyNotInForceError when it is stored and no Presence Server says in time that it is in force.
 */
export async function setPresencePolicy(
  context: HssContext,
  request: SetPresencePolicyRequest,
  call: Pick<RpcContext, 'remainingMs'>,
): Promise<SetPresencePolicyResponse> {
  const subscriber = await store(context, request)
  const userData = userDataOf(subscriber)
  const effect = await enforce(context, subscriber, call)
  const { canonicalImpu, presencePolicy, revision } = userData
  return { canonicalImpu, presencePolicy, revision, effect }
}

async function store(context: HssContext, request: SetPresencePolicyRequest): Promise<Subscriber> {
  const impu = parseImpu(request.impu)
  const problems = new Problems()
  problems.require(request.presencePolicy !== undefined, 'presence_policy', 'is missing')
  const policy = validatePolicy(request.presencePolicy, problems)
  if (problems.found.length > 0) {
    context.events.refused('subscriber-invalid')
    context.events.policyChanged('refused', 'invalid', { presentity: impu, policy })
    throw new SubscriberInvalidError(problems.found)
  }
  const subscriber = await context.repository.setPresencePolicy(impu, policy)
  if (!subscriber) {
    context.events.refused('subscriber-unknown')
    context.events.policyChanged('refused', 'unknown', { presentity: impu, policy })
    throw new SubscriberUnknownError()
  }
  return subscriber
}

async function enforce(
  context: HssContext,
  subscriber: Subscriber,
  call: Pick<RpcContext, 'remainingMs'>,
): Promise<PolicyEffect> {
  const { canonicalImpu: presentity, impus, presencePolicy, revision } = userDataOf(subscriber)
  const change = { presentity, policy: subscriber.presencePolicy, revision }
  if (!context.push) {
    context.events.policyChanged('allowed', 'stored', change)
    return PolicyEffect.POLICY_EFFECT_AT_NEXT_LOOK
  }
  const request = { canonicalImpu: presentity, impus, presencePolicy, revision, forwarded: false }
  const deadlineMs = Math.min((call.remainingMs ?? PUSH_MS_MAX) - ANSWER_MS, PUSH_MS_MAX)
  try {
    // guard: policy-in-force — a policy is called in force when a Presence Server says so
    await context.push.push(request, deadlineMs)
  } catch (error) {
    if (!(error instanceof PolicyNotInForceError)) throw error
    context.events.refused('policy-not-in-force')
    context.events.policyChanged('failed', 'not-in-force', change)
    throw error
  }
  context.events.policyChanged('allowed', 'in-force', change)
  return PolicyEffect.POLICY_EFFECT_IN_FORCE
}
