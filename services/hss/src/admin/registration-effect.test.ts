import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { RegistrationEffect } from '@rollcall/proto-gen/admin'
import { DeregistrationReason, ServerAssignmentType, type ServiceProfile } from '@rollcall/proto-gen/cx'
import { serverAssignment } from '../cx/server-assignment.ts'
import { userAuthorization } from '../cx/user-authorization.ts'
import { SubscriberExistsError, SubscriberInvalidError, SubscriberUnknownError } from '../errors.ts'
import { ALICE, alice, createHss, IMPI, newSubscriber, REALM, SERVER_NAME } from '../subscribers/testing/fixtures.ts'
import { removeSubscriber } from './remove-subscriber.ts'
import { setServiceProfile } from './set-service-profile.ts'

const CALL = { remainingMs: 5_000 }
const REASONS = new Map<number, string>(Object.entries(DeregistrationReason).map(([name, value]) => [value, name]))
const BOB = `sip:bob@${REALM}` as Impu

/** An HSS with alice, and an S-CSCF that notes what it is told; she is registered unless told otherwise. */
async function world(o: { readonly answers?: boolean; readonly isRegistered?: boolean } = {}) {
  const told: string[] = []
  const hss = await createHss(undefined, {
    terminate: async (subscriber, reason, deadlineMs) => {
      assert.equal(deadlineMs, 4_750)
      told.push(`RTR ${subscriber.subscriptionId} ${REASONS.get(reason)}`)
      return o.answers ?? true
    },
    pushProfile: async (subscriber) => {
      told.push(`PPR ${subscriber.serviceProfile.publicIdentities.map(({ identity }) => identity).join()}`)
      return o.answers ?? true
    },
  })
  const { context } = hss
  await context.repository.add(alice())
  if (o.isRegistered ?? true) {
    const type = ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION
    const asked = { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, type, userDataAlreadyAvailable: false }
    await serverAssignment(context, asked)
  }
  const set = async (change: (profile: ServiceProfile) => ServiceProfile) => {
    const known = await context.repository.findById('alice')
    assert.ok(known)
    const request = { subscriptionId: 'alice', serviceProfile: change(known.serviceProfile) }
    return (await setServiceProfile(context, request, CALL)).registrations
  }
  return { ...hss, told, set }
}

test('who is removed is de-registered by RTR, permanently (TS 29.228 clause 6.1.3)', async () => {
  const { context, told } = await world()
  const { registrations } = await removeSubscriber(context, { subscriptionId: 'alice' }, CALL)
  assert.equal(registrations, RegistrationEffect.REGISTRATION_EFFECT_IN_FORCE)
  assert.deepEqual(told, ['RTR alice DEREGISTRATION_REASON_PERMANENT_TERMINATION'])
})

test('nobody is told of who is not registered', async () => {
  const { context, told } = await world({ isRegistered: false })
  const { registrations } = await removeSubscriber(context, { subscriptionId: 'alice' }, CALL)
  assert.equal(registrations, RegistrationEffect.REGISTRATION_EFFECT_NONE)
  assert.deepEqual(told, [])
})

test('an S-CSCF that cannot be told is said so: what was asked for is done all the same', async () => {
  const { context, counted } = await world({ answers: false })
  const { registrations } = await removeSubscriber(context, { subscriptionId: 'alice' }, CALL)
  assert.equal(registrations, RegistrationEffect.REGISTRATION_EFFECT_AT_NEXT_REGISTRATION)
  assert.ok(counted.includes('registrations-not-told'))
  assert.equal(await context.repository.findById('alice'), undefined)
})

test('without an S-CSCF to tell, a change counts at the next REGISTER', async () => {
  const { context } = await createHss()
  await context.repository.add(alice())
  const type = ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION
  const asked = { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, type, userDataAlreadyAvailable: false }
  await serverAssignment(context, asked)
  const { registrations } = await removeSubscriber(context, { subscriptionId: 'alice' }, CALL)
  assert.equal(registrations, RegistrationEffect.REGISTRATION_EFFECT_AT_NEXT_REGISTRATION)
})

test('a changed profile is pushed by PPR; the same again as well, and nothing is written (TS 29.228 clause 6.2.2)', async () => {
  const { context, told, set } = await world()
  const without = (profile: ServiceProfile): ServiceProfile => ({ ...profile, initialFilterCriteria: [] })
  assert.equal(await set(without), RegistrationEffect.REGISTRATION_EFFECT_IN_FORCE)
  const revision = (await context.repository.findById('alice'))?.revision
  assert.equal(await set(without), RegistrationEffect.REGISTRATION_EFFECT_IN_FORCE)
  assert.equal((await context.repository.findById('alice'))?.revision, revision)
  assert.deepEqual(told, [`PPR ${ALICE},tel:+15550100`, `PPR ${ALICE},tel:+15550100`])
})

test('an identity that is barred or gone ends the registration of its set by RTR, and the next one is a first one', async () => {
  for (const change of [
    ({ publicIdentities: [first, ...rest], ...profile }: ServiceProfile): ServiceProfile => ({
      ...profile,
      publicIdentities: [...(first ? [first] : []), ...rest.map((one) => ({ ...one, barringIndication: true }))],
    }),
    ({ publicIdentities, ...profile }: ServiceProfile): ServiceProfile => ({
      ...profile,
      publicIdentities: publicIdentities.slice(0, 1),
    }),
  ]) {
    const { context, told, set } = await world()
    await set(change)
    assert.deepEqual(told, ['RTR alice DEREGISTRATION_REASON_SERVER_CHANGE'])
    const asked = { impi: IMPI, impu: ALICE, visitedNetwork: REALM, type: 1 } as const
    assert.equal((await userAuthorization(context, asked)).serverName, '')
  }
})

test('identities that are added are the subscriber’s from then on, those that go are free for others', async () => {
  const { context, set } = await world()
  await context.repository.add(newSubscriber('bob', [`001010000000003@${REALM}`], [BOB]))
  const alias = `sip:alias@${REALM}` as Impu
  const withIdentity = (identity: string) => (profile: ServiceProfile) => ({
    ...profile,
    publicIdentities: [...profile.publicIdentities.slice(0, 1), { identity, barringIndication: false }],
  })
  await set(withIdentity(alias))
  assert.equal((await context.repository.findByImpu(alias))?.subscriptionId, 'alice')
  assert.equal(await context.repository.findByImpu('tel:+15550100' as Impu), undefined)
  await assert.rejects(set(withIdentity(BOB)), SubscriberExistsError)
  assert.equal((await context.repository.findByImpu(BOB))?.subscriptionId, 'bob')
  await context.repository.add(newSubscriber('carol', [`4@${REALM}`], [`sip:carol@${REALM}`, 'tel:+15550100']))
  assert.equal((await context.repository.findByImpu('tel:+15550100' as Impu))?.subscriptionId, 'carol')
})

test('an identity that two want at once has one owner, also when one of them is there already', async () => {
  const { context, bucket, set } = await world()
  const wanted = `sip:wanted@${REALM}`
  const add = context.repository.add(newSubscriber('dave', [`5@${REALM}`], [wanted]))
  const change = set((profile) => ({
    ...profile,
    publicIdentities: [...profile.publicIdentities, { identity: wanted, barringIndication: false }],
  }))
  await Promise.allSettled([add, change])
  const alices = (await context.repository.findById('alice'))?.serviceProfile.publicIdentities
  const isAlices = alices?.some(({ identity }) => identity === wanted) ?? false
  const isDaves = (await context.repository.findById('dave')) !== undefined
  assert.notEqual(isAlices, isDaves)
  assert.equal((await context.repository.findByImpu(wanted as Impu))?.subscriptionId, isAlices ? 'alice' : 'dave')
  assert.ok(bucket)
})

test('a profile without the canonical identity, of nobody, or that is none is refused', async () => {
  const { context, set } = await world()
  const named = (identity: string) => (profile: ServiceProfile) => ({
    ...profile,
    canonicalImpu: '',
    publicIdentities: [{ identity, barringIndication: false }],
  })
  await assert.rejects(set(named(`sip:other@${REALM}`)), SubscriberInvalidError)
  await assert.rejects(set(named('nonsense')), SubscriberInvalidError)
  const serviceProfile = alice().serviceProfile
  const unknown = { subscriptionId: 'nobody', serviceProfile }
  await assert.rejects(setServiceProfile(context, unknown, CALL), SubscriberUnknownError)
})
