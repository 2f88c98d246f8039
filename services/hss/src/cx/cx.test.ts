import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerChallenge, newIsimState } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { CxResult, ProfilePartIndicator, ServerAssignmentType, UserAuthorizationType } from '@rollcall/proto-gen/cx'
import type { HssContext } from '../context.ts'
import { RequestInvalidError } from '../errors.ts'
import { userData } from '../sh/user-data.ts'
import {
  ALICE,
  alice,
  createHss,
  criteria,
  IMPI,
  K,
  newSubscriber,
  OPC,
  REALM,
  SERVER_NAME,
} from '../subscribers/testing/fixtures.ts'
import { locationInfo } from './location-info.ts'
import { multimediaAuth } from './multimedia-auth.ts'
import { serverAssignment } from './server-assignment.ts'
import { userAuthorization } from './user-authorization.ts'

const TABLET = `001010000000002@${REALM}`
const BOB = `sip:bob@${REALM}`
const BOB_IMPI = `001010000000003@${REALM}`
const OTHER_SERVER = 'sip:scscf-9.example.com'

const REGISTRATION = UserAuthorizationType.USER_AUTHORIZATION_TYPE_REGISTRATION
const DE_REGISTRATION = UserAuthorizationType.USER_AUTHORIZATION_TYPE_DE_REGISTRATION

/** The HSS with alice and bob in it. */
async function createCx() {
  const hss = await createHss()
  await hss.context.repository.add(alice())
  await hss.context.repository.add(newSubscriber('bob', [BOB_IMPI], [BOB]))
  return hss
}

function authorize(context: HssContext, impi: string, impu: string, type: UserAuthorizationType = REGISTRATION) {
  return userAuthorization(context, { impi, impu, visitedNetwork: REALM, type })
}

function assign(
  context: HssContext,
  type: keyof typeof ServerAssignmentType,
  impi: string = IMPI,
  impu: string = ALICE,
) {
  return serverAssignment(context, {
    impi,
    impu,
    serverName: SERVER_NAME,
    type: ServerAssignmentType[type],
    userDataAlreadyAvailable: false,
  })
}

function fetchVector(context: HssContext, serverName = SERVER_NAME, resync = Buffer.alloc(0)) {
  return multimediaAuth(context, { impi: IMPI, impu: ALICE, serverName, resync })
}

async function serverOf(context: HssContext, impu: string = ALICE): Promise<string> {
  return (await locationInfo(context, { impu })).serverName
}

test('UAR, MAR and SAR want an IMPI and an IMPU that belong together (TS 29.228 clause 6.1.1.1)', async () => {
  const { context, audited, counted } = await createCx()
  const rows: [string, string, CxResult][] = [
    [IMPI, ALICE, CxResult.CX_RESULT_SUCCESS],
    [TABLET, 'tel:+1-555-0100', CxResult.CX_RESULT_SUCCESS],
    [IMPI, BOB, CxResult.CX_RESULT_IDENTITIES_DONT_MATCH],
    [BOB_IMPI, ALICE, CxResult.CX_RESULT_IDENTITIES_DONT_MATCH],
    ['nobody@example.com', ALICE, CxResult.CX_RESULT_USER_UNKNOWN],
    [IMPI, `sip:nobody@${REALM}`, CxResult.CX_RESULT_USER_UNKNOWN],
    ['no impi', ALICE, CxResult.CX_RESULT_USER_UNKNOWN],
    [IMPI, 'mailto:alice', CxResult.CX_RESULT_USER_UNKNOWN],
    ['', '', CxResult.CX_RESULT_USER_UNKNOWN],
  ]
  for (const [impi, impu, expected] of rows) {
    const isKnown = expected === CxResult.CX_RESULT_SUCCESS
    const authorized = isKnown ? CxResult.CX_RESULT_FIRST_REGISTRATION : expected
    assert.equal((await authorize(context, impi, impu)).result, authorized, `UAR ${impi} ${impu}`)
    const { result, vector } = await multimediaAuth(context, {
      impi,
      impu,
      serverName: SERVER_NAME,
      resync: Buffer.alloc(0),
    })
    assert.equal(result, expected, `MAR ${impi} ${impu}`)
    assert.equal(vector !== undefined, expected === CxResult.CX_RESULT_SUCCESS)
  }
  const refused = await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION', BOB_IMPI, ALICE)
  assert.equal(refused.result, CxResult.CX_RESULT_IDENTITIES_DONT_MATCH)
  assert.equal(refused.profile, undefined)
  assert.ok(audited.some(({ event, reason }) => event === 'identity.refused' && reason === 'identities-dont-match'))
  assert.ok(counted.includes('user-unknown') && counted.includes('identities-dont-match'))
})

test('a vector is one that the ISIM accepts, and no two are the same (a known mistake of other stacks)', async () => {
  const { context } = await createCx()
  const { vector } = await fetchVector(context)
  const { vector: next } = await fetchVector(context)
  assert.ok(vector && next)
  const keys = { k: new Secret(K), opc: new Secret(OPC) }
  const answer = answerChallenge(keys, { rand: vector.rand, autn: vector.autn, state: newIsimState() })
  assert.ok(answer.kind === 'success')
  assert.ok(answer.res.reveal().equals(vector.xres) && answer.ck.reveal().equals(vector.ck))
  assert.ok(!vector.rand.equals(next.rand) && !vector.autn.equals(next.autn))
})

test('AUTS of a wrong length is the peer’s error (TS 29.229 clause 6.3.11)', async () => {
  const { context } = await createCx()
  await assert.rejects(fetchVector(context, SERVER_NAME, Buffer.alloc(29)), RequestInvalidError)
})

test('a forged AUTS is audited and still answered with a vector (a known mistake of other stacks)', async () => {
  const { context, audited } = await createCx()
  const { vector } = await fetchVector(context)
  assert.ok(vector)
  const { result } = await fetchVector(context, SERVER_NAME, Buffer.concat([vector.rand, Buffer.alloc(14)]))
  assert.equal(result, CxResult.CX_RESULT_SUCCESS)
  assert.ok(audited.some(({ event, outcome }) => event === 'auth.resynchronisation' && outcome === 'refused'))
})

test('SAR stores the S-CSCF and gives the whole set’s profile (TS 29.228 clause 6.1.2.1)', async () => {
  const { bucket, context } = await createCx()
  assert.equal(await serverOf(context), '')
  const { result, profile } = await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
  assert.equal(result, CxResult.CX_RESULT_SUCCESS)
  assert.equal(profile?.canonicalImpu, ALICE)
  assert.deepEqual(
    profile?.publicIdentities.map(({ identity }) => identity),
    [ALICE, 'tel:+15550100'],
  )
  assert.equal(await serverOf(context), SERVER_NAME)
  assert.equal(await serverOf(context, 'tel:+15550100'), SERVER_NAME)
  assert.equal(await serverOf(context, BOB), '')
  assert.equal((await authorize(context, IMPI, ALICE)).serverName, SERVER_NAME)
  // A re-registration changes nothing, and writes nothing.
  const { writes } = bucket
  assert.ok((await assign(context, 'SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION')).profile)
  assert.equal(bucket.writes, writes)
})

test('the set stays registered until its last private identity ends (TS 29.228 clause 6.1.2.1)', async () => {
  for (const type of [
    'SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION',
    'SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION',
    'SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION',
  ] as const) {
    const { context } = await createCx()
    await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
    await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION', TABLET)
    assert.equal((await assign(context, type, TABLET)).profile, undefined)
    assert.equal(await serverOf(context), SERVER_NAME)
    await assign(context, type)
    assert.equal(await serverOf(context), '')
    // Once more is no error: the S-CSCF repeats what it is not sure of.
    assert.equal((await assign(context, type)).result, CxResult.CX_RESULT_SUCCESS)
  }
})

test('a de-registration without a private identity ends them all', async () => {
  const { context } = await createCx()
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION', TABLET)
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION', '')
  assert.equal(await serverOf(context), '')
})

test('a failed or unanswered authentication leaves a registration as it is (TS 29.228 clause 6.1.2.1)', async () => {
  const { context } = await createCx()
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_FAILURE')
  assert.equal(await serverOf(context), '')
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_FAILURE')
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_TIMEOUT', TABLET)
  assert.equal(await serverOf(context), SERVER_NAME)
})

test('SAR of another S-CSCF is 5005, MAR of another one takes the name over, but not with AUTS', async () => {
  const { context } = await createCx()
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
  const { vector } = await fetchVector(context)
  assert.ok(vector)
  const type = ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION
  const foreign = { impi: IMPI, impu: ALICE, serverName: OTHER_SERVER, type, userDataAlreadyAvailable: false }
  assert.equal((await serverAssignment(context, foreign)).result, CxResult.CX_RESULT_IDENTITY_ALREADY_REGISTERED)
  await fetchVector(context, OTHER_SERVER, Buffer.concat([vector.rand, Buffer.alloc(14)]))
  assert.equal(await serverOf(context), SERVER_NAME)
  await fetchVector(context, OTHER_SERVER)
  assert.equal(await serverOf(context), OTHER_SERVER)
  assert.equal((await serverAssignment(context, foreign)).result, CxResult.CX_RESULT_SUCCESS)
})

test('UAA tells the first registration from a later one, and a de-registration apart (TS 29.228 clause 6.1.1)', async () => {
  const { context } = await createCx()
  assert.equal((await authorize(context, IMPI, ALICE)).result, CxResult.CX_RESULT_FIRST_REGISTRATION)
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
  const again = await authorize(context, TABLET, ALICE)
  assert.deepEqual(again, { result: CxResult.CX_RESULT_SUBSEQUENT_REGISTRATION, serverName: SERVER_NAME })
  const leaving = await authorize(context, IMPI, ALICE, DE_REGISTRATION)
  assert.deepEqual(leaving, { result: CxResult.CX_RESULT_SUCCESS, serverName: SERVER_NAME })
})

test('the profile is not sent again to who has it and re-registers (TS 29.228 clause 6.1.2.1)', async () => {
  const { context } = await createCx()
  const rows = [
    ['SERVER_ASSIGNMENT_TYPE_REGISTRATION', true, true],
    ['SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION', true, false],
    ['SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION', false, true],
    ['SERVER_ASSIGNMENT_TYPE_NO_ASSIGNMENT', true, true],
    ['SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_TIMEOUT', false, false],
    ['SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION', false, false],
  ] as const
  for (const [type, userDataAlreadyAvailable, isSent] of rows) {
    const asked = { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, type: ServerAssignmentType[type] }
    const { profile } = await serverAssignment(context, { ...asked, userDataAlreadyAvailable })
    assert.equal(profile !== undefined, isSent, `${type} ${userDataAlreadyAvailable}`)
  }
})

test('a known mistake of others: an SAA that refuses is Cx’s own, with its result, and no failure of the call', async () => {
  const { context } = await createCx()
  const type = ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION
  const asked = { impi: IMPI, impu: BOB, serverName: SERVER_NAME, type, userDataAlreadyAvailable: false }
  assert.deepEqual(await serverAssignment(context, asked), {
    result: CxResult.CX_RESULT_IDENTITIES_DONT_MATCH,
    profile: undefined,
  })
})

test('each assignment does to the location what it says (TS 29.228 clause 6.1.2.1, TS 29.229 clause 6.3.15)', async () => {
  const rows = [
    ['SERVER_ASSIGNMENT_TYPE_NO_ASSIGNMENT', SERVER_NAME],
    ['SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION', SERVER_NAME],
    ['SERVER_ASSIGNMENT_TYPE_UNREGISTERED_USER', SERVER_NAME],
    ['SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION', ''],
    ['SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION', ''],
    ['SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION_STORE_SERVER_NAME', SERVER_NAME],
    ['SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION_STORE_SERVER_NAME', SERVER_NAME],
    ['SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION', ''],
    ['SERVER_ASSIGNMENT_TYPE_DEREGISTRATION_TOO_MUCH_DATA', ''],
    ['SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_FAILURE', SERVER_NAME],
    ['SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_TIMEOUT', SERVER_NAME],
  ] as const
  for (const [type, expected] of rows) {
    const { context } = await createCx()
    await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
    assert.equal((await assign(context, type)).result, CxResult.CX_RESULT_SUCCESS, type)
    assert.equal(await serverOf(context), expected, type)
  }
})

test('MAR alone stores no S-CSCF: who is not authenticated costs no location', async () => {
  const { context } = await createCx()
  await fetchVector(context)
  assert.equal(await serverOf(context), '')
})

test('SAR without a type or a name is 5007 and changes nothing', async () => {
  const { context } = await createCx()
  const type = ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION
  for (const request of [
    { impi: IMPI, impu: ALICE, serverName: '', type },
    { impi: IMPI, impu: ALICE, serverName: SERVER_NAME, type: ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_UNSPECIFIED },
  ]) {
    const asked = { ...request, userDataAlreadyAvailable: false }
    assert.equal((await serverAssignment(context, asked)).result, CxResult.CX_RESULT_IN_ASSIGNMENT_TYPE)
  }
  assert.equal(await serverOf(context), '')
})

test('UAR to de-register who is not registered is 5003', async () => {
  const { context } = await createCx()
  const before = await authorize(context, IMPI, ALICE, DE_REGISTRATION)
  assert.equal(before.result, CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED)
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_REGISTRATION')
  const after = await authorize(context, IMPI, ALICE, DE_REGISTRATION)
  assert.deepEqual(after, { result: CxResult.CX_RESULT_SUCCESS, serverName: SERVER_NAME })
})

test('LIR tells who an identity is, and whether the unregistered can be served (TS 29.228 clause 6.1.4.1)', async () => {
  const { context } = await createCx()
  const carol = newSubscriber('carol', [`001010000000004@${REALM}`], [`sip:carol@${REALM}`])
  const registeredOnly = [criteria(ProfilePartIndicator.PROFILE_PART_INDICATOR_REGISTERED)]
  await context.repository.add({
    ...carol,
    serviceProfile: { ...carol.serviceProfile, initialFilterCriteria: registeredOnly },
  })
  const unregistered = await locationInfo(context, { impu: 'tel:+15550100' })
  assert.deepEqual(unregistered, {
    result: CxResult.CX_RESULT_UNREGISTERED_SERVICE,
    serverName: '',
    canonicalImpu: ALICE,
  })
  const withoutServices = await locationInfo(context, { impu: `sip:carol@${REALM}` })
  assert.equal(withoutServices.result, CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED)
  const unknown = await locationInfo(context, { impu: 'tel:+19990000' })
  assert.equal(unknown.result, CxResult.CX_RESULT_USER_UNKNOWN)
  // Served for unregistered services: the name is kept, and the registration takes it over.
  assert.ok((await assign(context, 'SERVER_ASSIGNMENT_TYPE_UNREGISTERED_USER', '')).profile)
  assert.equal(await serverOf(context), SERVER_NAME)
  assert.equal(
    (await authorize(context, IMPI, ALICE, DE_REGISTRATION)).result,
    CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED,
  )
  await assign(context, 'SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_FAILURE')
  assert.equal(await serverOf(context), SERVER_NAME)
})

test('Sh tells the usable identities of the set and the policy, and nothing that is secret (TS 29.328)', async () => {
  const { context } = await createCx()
  const eve = newSubscriber('eve', [`001010000000006@${REALM}`], [`sip:hidden@${REALM}`, `sip:eve@${REALM}`])
  const [hidden, ...rest] = eve.serviceProfile.publicIdentities
  assert.ok(hidden)
  const publicIdentities = [{ ...hidden, barringIndication: true }, ...rest]
  await context.repository.add({ ...eve, serviceProfile: { ...eve.serviceProfile, publicIdentities } })
  const { revision, ...told } = await userData(context, { impu: 'tel:+15550100' })
  assert.deepEqual(told, {
    found: true,
    canonicalImpu: ALICE,
    impus: [ALICE, 'tel:+15550100'],
    presencePolicy: { defaultAllow: true, allow: [], block: [] },
  })
  assert.ok(revision > 0n)
  assert.deepEqual((await userData(context, { impu: `sip:eve@${REALM}` })).impus, [`sip:eve@${REALM}`])
  assert.equal((await userData(context, { impu: `sip:nobody@${REALM}` })).found, false)
  assert.equal((await userData(context, { impu: 'nonsense' })).found, false)
})
