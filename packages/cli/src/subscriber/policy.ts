import { InvalidIdentityError, parseImpu } from '@rollcall/core'
import { PolicyEffect } from '@rollcall/proto-gen/admin'
import type { PresencePolicy } from '@rollcall/proto-gen/sh'
import { callUnary, RpcError } from '@rollcall/runtime'
import type { Invocation } from '../command/command.ts'
import { AdminCallError, UsageError } from '../errors.ts'
import { withSubscriberAdmin } from './admin-client.ts'
import { writePolicy } from './profile-json.ts'

/** The HSS answers when the policy is in force: with a partition on the move, or after a lost replica, that takes seconds. */
const DEADLINE_MS = 20_000

/** `rollcall subscriber policy IMPU` */
export async function setPresencePolicy(invocation: Invocation): Promise<void> {
  const { options, output } = invocation
  const [impu = ''] = options.positionals
  const request = { impu: readImpu(impu), presencePolicy: readOptions(invocation) }
  const { canonicalImpu, presencePolicy, revision, effect } = await withSubscriberAdmin(invocation, (client) =>
    callUnary(client.setPresencePolicy.bind(client), request, { deadlineMs: DEADLINE_MS }),
  ).catch(retell)
  const policy = writePolicy(presencePolicy ?? request.presencePolicy)
  const isInForce = effect === PolicyEffect.POLICY_EFFECT_IN_FORCE
  const when = isInForce ? 'in force' : 'stored; counts when the Presence Server asks the HSS next'
  output.tell(`${canonicalImpu}, revision ${revision}: ${when}\n${JSON.stringify(policy, undefined, 2)}`, {
    event: 'presence-policy-set',
    impu: canonicalImpu,
    revision: String(revision),
    inForce: isInForce,
    policy,
  })
}

function readOptions({ options }: Invocation): PresencePolicy {
  const word = options.text('default')
  const allow = options.list('allow').map(readImpu)
  const block = options.list('block').map(readImpu)
  if (word === undefined && allow.length === 0 && block.length === 0) {
    throw new UsageError('say who may watch: --default, --allow or --block')
  }
  return { defaultAllow: word === 'allow', allow, block }
}

function readImpu(text: string): string {
  try {
    return parseImpu(text)
  } catch (error) {
    if (error instanceof InvalidIdentityError) throw new UsageError(`'${text}' is no SIP or tel URI`)
    throw error
  }
}

/** That a policy is stored and may not be in force is the HSS's answer, not the lack of one. */
function retell(error: unknown): never {
  const cause = error instanceof AdminCallError ? error.cause : undefined
  if (cause instanceof RpcError && cause.detail.startsWith('the policy is stored')) {
    throw new AdminCallError(cause.code, cause.detail, { cause })
  }
  throw error
}
