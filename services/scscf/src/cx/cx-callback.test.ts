import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CxResult, DeregistrationReason, type RegistrationTerminationRequest } from '@rollcall/proto-gen/cx'
import { RpcError } from '@rollcall/runtime'
import { contactsOf, phone, RegWorld, settle, tablet } from '../reg-event/testing/reg-world.ts'
import { ALICE, ALICE_PROFILE, ALICE_TEL, BOB, PHONE, profile, TABLET } from '../testing/fixtures.ts'
import { pushProfile, terminate } from './cx-callback.ts'

const PERMANENT = DeregistrationReason.DEREGISTRATION_REASON_PERMANENT_TERMINATION

function termination(changes: Partial<RegistrationTerminationRequest> = {}): RegistrationTerminationRequest {
  return {
    canonicalImpu: ALICE,
    impi: '',
    associatedImpis: [],
    impus: [],
    reason: PERMANENT,
    reasonInfo: '',
    forwarded: false,
    ...changes,
  }
}

/** Alice on phone and tablet, her phone subscribed. */
async function world() {
  const started = await RegWorld.start()
  await started.bind(phone())
  await started.bind(tablet())
  await started.accepted()
  const { registrations } = started
  const partition = { registrations, findByImpu: registrations.findByImpu.bind(registrations) }
  return { started, partition }
}

test('each reason of RTR ends contacts in its way (TS 29.229 clause 6.3.17, TS 29.228 clause 6.1.3)', async () => {
  const rows = [
    [PERMANENT, 'rejected'],
    [DeregistrationReason.DEREGISTRATION_REASON_SERVER_CHANGE, 'deactivated'],
    [DeregistrationReason.DEREGISTRATION_REASON_REMOVE_SCSCF, 'deactivated'],
    [DeregistrationReason.DEREGISTRATION_REASON_NEW_SERVER_ASSIGNED, undefined],
  ] as const
  for (const [reason, event] of rows) {
    const { started, partition } = await world()
    const answer = await terminate(partition, termination({ reason }))
    assert.deepEqual(answer, { result: CxResult.CX_RESULT_SUCCESS, contacts: 2 })
    await settle()
    const told = started.sent.slice(1).map(contactsOf)
    const expected = event && [[`phone terminated ${event}`, `tablet terminated ${event}`]]
    assert.deepEqual(told, expected ?? [])
    assert.equal(started.registrations.size, 0)
    assert.deepEqual(started.ended, [], 'the HSS is not told what it asked for')
  }
})

test('RTR ends the private identities that it names, by any identity of their set (TS 29.228 clause 6.5.2.2)', async () => {
  const rows: [Partial<RegistrationTerminationRequest>, number][] = [
    [{ impi: PHONE }, 1],
    [{ impi: PHONE, associatedImpis: [TABLET] }, 2],
    [{ canonicalImpu: ALICE_TEL }, 2],
    [{ canonicalImpu: BOB, impus: [ALICE_TEL] }, 2],
    [{ canonicalImpu: BOB }, 0],
  ]
  for (const [changes, contacts] of rows) {
    const { partition } = await world()
    const answer = await terminate(partition, termination(changes))
    assert.deepEqual(answer, { result: CxResult.CX_RESULT_SUCCESS, contacts }, JSON.stringify(changes))
  }
})

test('a reason that is none changes nothing; a log that is away is for the HSS to try again', async () => {
  const { started, partition } = await world()
  const reason = DeregistrationReason.DEREGISTRATION_REASON_UNSPECIFIED
  const answer = await terminate(partition, termination({ reason }))
  assert.deepEqual(answer, { result: CxResult.CX_RESULT_UNABLE_TO_COMPLY, contacts: 0 })
  assert.equal(started.registrations.size, 1)
  started.logs.isAvailable = false
  const isUnavailable = (error: unknown): boolean => error instanceof RpcError && error.code === 'RPC_UNAVAILABLE'
  await assert.rejects(terminate(partition, termination()), isUnavailable)
  await assert.rejects(pushProfile(partition, profile(ALICE)), isUnavailable)
})

test('PPR is in force when it is answered, and of who is not registered nothing is kept (TS 29.228 clause 6.2.2)', async () => {
  const { started, partition } = await world()
  assert.deepEqual(await pushProfile(partition, profile(ALICE, ALICE_TEL, BOB)), { result: CxResult.CX_RESULT_SUCCESS })
  assert.equal(started.registrations.findByImpu(BOB)?.canonicalImpu, ALICE)
  await pushProfile(partition, ALICE_PROFILE)
  assert.equal(started.registrations.findByImpu(BOB), undefined)
  await pushProfile(partition, profile(BOB))
  assert.equal(started.registrations.size, 1)
})
