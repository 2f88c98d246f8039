import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvalidIdentityError } from '@rollcall/core'
import { PolicyEffect } from '@rollcall/proto-gen/admin'
import type { PushNotificationRequest } from '@rollcall/proto-gen/sh'
import type { HssContext } from '../context.ts'
import { PolicyNotInForceError, SubscriberInvalidError, SubscriberUnknownError } from '../errors.ts'
import { userData } from '../sh/user-data.ts'
import { ALICE, alice, createHss, REALM } from '../subscribers/testing/fixtures.ts'
import { setPresencePolicy } from './set-presence-policy.ts'

const MALLORY = `sip:mallory@${REALM}`
const BLOCK = { defaultAllow: true, allow: [], block: [MALLORY] }
const CALL = { remainingMs: 5_000 }

/** Presence Servers that hear of pushes, and fail them when told to. */
class Pushed implements NonNullable<HssContext['push']> {
  readonly requests: PushNotificationRequest[] = []
  readonly deadlines: number[] = []
  isAway = false

  async push(request: PushNotificationRequest, deadlineMs: number): Promise<void> {
    this.requests.push(request)
    this.deadlines.push(deadlineMs)
    if (this.isAway) throw new PolicyNotInForceError(request.revision, 'presence-0:17003: RPC_UNAVAILABLE')
  }
}

async function stage() {
  const push = new Pushed()
  const hss = await createHss(push)
  await hss.context.repository.add(alice())
  hss.bucket.writes = 0
  return { ...hss, push }
}

test('a changed policy is stored, pushed with its revision, and answered when it is in force', async () => {
  const { context, push, audited } = await stage()
  const request = { impu: 'tel:+1-555-0100', presencePolicy: { ...BLOCK, block: [`SIP:mallory@${REALM}:5060`] } }
  const answer = await setPresencePolicy(context, request, CALL)
  assert.deepEqual(answer.presencePolicy, BLOCK)
  assert.deepEqual([answer.canonicalImpu, answer.effect], [ALICE, PolicyEffect.POLICY_EFFECT_IN_FORCE])
  assert.deepEqual(push.requests, [
    {
      canonicalImpu: ALICE,
      impus: [ALICE, 'tel:+15550100'],
      presencePolicy: BLOCK,
      revision: answer.revision,
      forwarded: false,
    },
  ])
  // Something of the operator's deadline is kept for the answer.
  assert.deepEqual(push.deadlines, [4_750])
  const told = await userData(context, { impu: ALICE })
  assert.deepEqual([told.presencePolicy, told.revision], [BLOCK, answer.revision])
  assert.deepEqual(audited.at(-1), {
    event: 'policy.changed',
    outcome: 'allowed',
    reason: 'in-force',
    identities: { presentity: ALICE },
    detail: { defaultAllow: true, allowed: 0, blocked: 1, revision: String(answer.revision) },
  })
})

test('the same policy again writes nothing and is pushed again: what to do after UNAVAILABLE', async () => {
  const { context, push, bucket, audited, counted } = await stage()
  push.isAway = true
  const failed = setPresencePolicy(context, { impu: ALICE, presencePolicy: BLOCK }, CALL)
  await assert.rejects(failed, /stored as revision \d+, but it may not be in force everywhere/)
  assert.deepEqual([audited.at(-1)?.outcome, audited.at(-1)?.reason], ['failed', 'not-in-force'])
  assert.deepEqual(counted, ['policy-not-in-force'])
  push.isAway = false
  const again = await setPresencePolicy(context, { impu: ALICE, presencePolicy: BLOCK }, CALL)
  assert.equal(bucket.writes, 1)
  assert.deepEqual(push.requests[1], push.requests[0])
  assert.equal(again.revision, push.requests[0]?.revision)
})

test('each change has a higher revision than all before, also across a removal', async () => {
  const { context } = await stage()
  const set = async (block: string[]): Promise<bigint> => {
    const presencePolicy = { defaultAllow: true, allow: [], block }
    return (await setPresencePolicy(context, { impu: ALICE, presencePolicy }, CALL)).revision
  }
  const first = await set([MALLORY])
  const second = await set([])
  await context.repository.remove('alice')
  await context.repository.add(alice())
  const third = await set([MALLORY])
  assert.ok(first < second && second < third)
})

test('changes of one subscriber at once are written one after the other, each with its own revision', async () => {
  const { context, bucket } = await stage()
  const changes = Array.from({ length: 20 }, (_, index) => {
    const presencePolicy = { defaultAllow: true, allow: [], block: [`sip:m${index}@${REALM}`] }
    return setPresencePolicy(context, { impu: ALICE, presencePolicy }, CALL)
  })
  const answers = await Promise.all(changes)
  assert.equal(new Set(answers.map(({ revision }) => revision)).size, 20)
  assert.equal(bucket.writes, 20)
  for (const [index, answer] of answers.entries())
    assert.deepEqual(answer.presencePolicy?.block, [`sip:m${index}@${REALM}`])
})

test('without a Presence Server to tell, the answer says that it counts at the next look', async () => {
  const { context, audited } = await createHss()
  await context.repository.add(alice())
  const { effect } = await setPresencePolicy(context, { impu: ALICE, presencePolicy: BLOCK }, CALL)
  assert.equal(effect, PolicyEffect.POLICY_EFFECT_AT_NEXT_LOOK)
  assert.equal(audited.at(-1)?.reason, 'stored')
})

test('what is no policy, no identity or nobody’s is refused, stored nowhere and pushed to nobody', async () => {
  const { context, push, bucket, counted, audited } = await stage()
  const wrong = { defaultAllow: true, allow: ['alice'], block: ['sip:@'] }
  await assert.rejects(setPresencePolicy(context, { impu: ALICE, presencePolicy: wrong }, CALL), (error) => {
    assert.ok(error instanceof SubscriberInvalidError)
    assert.deepEqual(
      error.problems.map((problem) => problem.split(':')[0]),
      ['presence_policy.allow[0]', 'presence_policy.block[0]'],
    )
    return true
  })
  const missing = setPresencePolicy(context, { impu: ALICE, presencePolicy: undefined }, CALL)
  await assert.rejects(missing, /presence_policy: is missing/)
  await assert.rejects(setPresencePolicy(context, { impu: 'alice', presencePolicy: BLOCK }, CALL), InvalidIdentityError)
  const nobody = setPresencePolicy(context, { impu: MALLORY, presencePolicy: BLOCK }, CALL)
  await assert.rejects(nobody, SubscriberUnknownError)
  assert.deepEqual([push.requests.length, bucket.writes], [0, 0])
  assert.deepEqual(counted, ['subscriber-invalid', 'subscriber-invalid', 'subscriber-unknown'])
  assert.deepEqual(
    audited.map(({ outcome, reason }) => `${outcome} ${reason}`),
    ['refused invalid', 'refused invalid', 'refused unknown'],
  )
})
