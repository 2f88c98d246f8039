import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ServiceError, status } from '@grpc/grpc-js'
import {
  CxResult,
  type CxServiceClient,
  type ServerAssignmentRequest,
  ServerAssignmentType,
  UserAuthorizationType,
} from '@rollcall/proto-gen/cx'
import { REFUSALS } from '../refusal.ts'
import { ALICE, ALICE_PROFILE, PHONE, REALM, register, vector } from '../testing/fixtures.ts'
import { CxClient } from './cx-client.ts'

type Answer = object | 'away'

/** A client whose HSS answers what the test says. */
function createClient(answers: Partial<Record<'uar' | 'mar' | 'sar' | 'lir', Answer>>) {
  const asked: { command: string; message: Record<string, unknown> }[] = []
  const unavailable: string[] = []
  const method = (command: 'uar' | 'mar' | 'sar' | 'lir') => {
    return (
      message: Record<string, unknown>,
      _metadata: unknown,
      _options: unknown,
      callback: (error: Partial<ServiceError> | null, response?: object) => void,
    ) => {
      asked.push({ command, message })
      const answer = answers[command] ?? 'away'
      queueMicrotask(() => {
        if (answer === 'away') callback({ code: status.UNAVAILABLE, details: 'away' })
        else callback(null, answer)
      })
      return { cancel: () => {} }
    }
  }
  const client = {
    userAuthorization: method('uar'),
    multimediaAuth: method('mar'),
    serverAssignment: method('sar'),
    locationInfo: method('lir'),
  } as unknown as CxServiceClient
  const cx = new CxClient({
    client,
    serverName: 'sip:scscf.example.com',
    realm: REALM,
    deadlineMs: 1_000,
    onUnavailable: (command, code) => unavailable.push(`${command} ${code}`),
  })
  return { cx, asked, unavailable }
}

const SUCCESS = CxResult.CX_RESULT_SUCCESS

function wireVector(changes: object = {}) {
  const { rand, autn, xres, ck, ik } = vector('wire')
  return { rand, autn, xres: xres.reveal(), ck: ck.reveal(), ik: ik.reveal(), ...changes }
}

test('UAR says whether the user comes or goes (TS 29.228 clause 6.1.1)', async () => {
  const { cx, asked } = createClient({ uar: { result: SUCCESS, serverName: '' } })
  assert.equal((await cx.authorize(register())).kind, 'success')
  await cx.authorize(register({ expiresSeconds: 0 }))
  assert.deepEqual(
    asked.map(({ message }) => message.type),
    [
      UserAuthorizationType.USER_AUTHORIZATION_TYPE_REGISTRATION,
      UserAuthorizationType.USER_AUTHORIZATION_TYPE_DE_REGISTRATION,
    ],
  )
  assert.equal(asked[0]?.message.visitedNetwork, REALM)
})

test('each refusal of the HSS has its reason (TS 29.228 annex A)', async () => {
  const rows = [
    [CxResult.CX_RESULT_USER_UNKNOWN, 'user-unknown'],
    [CxResult.CX_RESULT_IDENTITIES_DONT_MATCH, 'identities-dont-match'],
    [CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED, 'identity-not-registered'],
    [CxResult.CX_RESULT_ROAMING_NOT_ALLOWED, 'roaming-not-allowed'],
    [CxResult.CX_RESULT_IDENTITY_ALREADY_REGISTERED, 'other-server'],
    [CxResult.CX_RESULT_AUTH_SCHEME_NOT_SUPPORTED, 'hss-refused'],
    [CxResult.UNRECOGNIZED, 'hss-refused'],
  ] as const
  for (const [result, reason] of rows) {
    const { cx } = createClient({ uar: { result, serverName: '' } })
    assert.deepEqual(await cx.authorize(register()), { kind: 'refused', reason })
  }
})

test('an HSS that gives no answer is an outcome, and is told', async () => {
  const { cx, unavailable } = createClient({})
  const request = register()
  assert.equal((await cx.authorize(request)).kind, 'unavailable')
  assert.equal((await cx.fetchVector(request, undefined)).kind, 'unavailable')
  assert.equal((await cx.assign(request, false)).kind, 'unavailable')
  assert.equal((await cx.locate(ALICE)).kind, 'unavailable')
  assert.equal(await cx.deassign({ impi: PHONE, impu: ALICE, reason: 'expired' }), false)
  cx.report('failure', PHONE, ALICE)
  assert.deepEqual(unavailable, [
    'UAR RPC_UNAVAILABLE',
    'MAR RPC_UNAVAILABLE',
    'SAR RPC_UNAVAILABLE',
    'LIR RPC_UNAVAILABLE',
    'SAR RPC_UNAVAILABLE',
  ])
})

test('a vector is taken when it is whole, and its secrets are kept as such', async () => {
  const { cx, asked } = createClient({ mar: { result: SUCCESS, vector: wireVector() } })
  const outcome = await cx.fetchVector(register(), Buffer.alloc(30, 7))
  assert.ok(outcome.kind === 'success')
  assert.deepEqual(asked[0]?.message.resync, Buffer.alloc(30, 7))
  assert.ok(outcome.vector.ck.equals(vector('wire').ck))
  assert.doesNotMatch(JSON.stringify(outcome.vector), new RegExp(vector('wire').ck.reveal().toString('hex')))
  for (const changes of [{ rand: Buffer.alloc(15) }, { ck: Buffer.alloc(0) }, { xres: Buffer.alloc(3) }]) {
    const broken = createClient({ mar: { result: SUCCESS, vector: wireVector(changes) } })
    assert.equal((await broken.cx.fetchVector(register(), undefined)).kind, 'unavailable')
    assert.deepEqual(broken.unavailable, ['MAR ANSWER_UNUSABLE'])
  }
})

test('SAR tells a registration from a re-registration, and wants a profile with a canonical identity', async () => {
  const { cx, asked } = createClient({ sar: { result: SUCCESS, profile: ALICE_PROFILE } })
  assert.equal((await cx.assign(register(), false)).kind, 'success')
  await cx.assign(register(), true)
  assert.deepEqual(
    asked.map(({ message }) => message.type),
    [
      ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_REGISTRATION,
      ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_RE_REGISTRATION,
    ],
  )
  for (const profile of [
    undefined,
    { ...ALICE_PROFILE, canonicalImpu: '' },
    { ...ALICE_PROFILE, canonicalImpu: 'SIP:A@B' },
  ]) {
    const broken = createClient({ sar: { result: SUCCESS, profile } })
    assert.equal((await broken.cx.assign(register(), false)).kind, 'unavailable')
  }
})

test('the end of a registration is told by its cause (TS 29.228 clause 6.1.2.1)', async () => {
  const { cx, asked } = createClient({ sar: { result: SUCCESS, profile: undefined } })
  assert.equal(await cx.deassign({ impi: PHONE, impu: ALICE, reason: 'unregistered' }), true)
  await cx.deassign({ impi: PHONE, impu: ALICE, reason: 'expired' })
  cx.report('failure', PHONE, ALICE)
  cx.report('timeout', PHONE, ALICE)
  assert.deepEqual(
    asked.map(({ message }) => (message as unknown as ServerAssignmentRequest).type),
    [
      ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION,
      ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION,
      ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_FAILURE,
      ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_AUTHENTICATION_TIMEOUT,
    ],
  )
})

test('LIR and SAR together say who an unregistered user is (TS 29.228 clause 6.1.4)', async () => {
  const profile = ALICE_PROFILE
  const rows: [object, Answer | undefined, string][] = [
    [{ result: CxResult.CX_RESULT_USER_UNKNOWN }, undefined, 'unknown'],
    [{ result: CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED }, undefined, 'no-services'],
    [{ result: SUCCESS }, { result: SUCCESS, profile }, 'unregistered'],
    [{ result: CxResult.CX_RESULT_UNREGISTERED_SERVICE }, { result: SUCCESS, profile }, 'unregistered'],
    [{ result: SUCCESS }, { result: CxResult.CX_RESULT_USER_UNKNOWN }, 'unknown'],
    [{ result: SUCCESS }, { result: CxResult.CX_RESULT_IDENTITY_ALREADY_REGISTERED }, 'no-services'],
    [{ result: SUCCESS }, 'away', 'unavailable'],
  ]
  for (const [lir, sar, kind] of rows) {
    const { cx } = createClient(sar === undefined ? { lir } : { lir, sar })
    assert.equal((await cx.locate(ALICE)).kind, kind)
  }
})

test('every result of UAA, MAA and SAA has its SIP status (TS 29.228 annex A, TS 29.229 clause 6.2)', async () => {
  const rows: [CxResult, number | 'success'][] = [
    [CxResult.CX_RESULT_SUCCESS, 'success'],
    [CxResult.CX_RESULT_FIRST_REGISTRATION, 'success'],
    [CxResult.CX_RESULT_SUBSEQUENT_REGISTRATION, 'success'],
    [CxResult.CX_RESULT_SUCCESS_SERVER_NAME_NOT_STORED, 'success'],
    [CxResult.CX_RESULT_UNREGISTERED_SERVICE, 403],
    [CxResult.CX_RESULT_USER_UNKNOWN, 403],
    [CxResult.CX_RESULT_IDENTITIES_DONT_MATCH, 403],
    [CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED, 403],
    [CxResult.CX_RESULT_ROAMING_NOT_ALLOWED, 403],
    [CxResult.CX_RESULT_IDENTITY_ALREADY_REGISTERED, 403],
    [CxResult.CX_RESULT_AUTH_SCHEME_NOT_SUPPORTED, 403],
    [CxResult.CX_RESULT_IN_ASSIGNMENT_TYPE, 403],
    [CxResult.CX_RESULT_TOO_MUCH_DATA, 403],
    [CxResult.CX_RESULT_NOT_SUPPORTED_USER_DATA, 403],
    [CxResult.CX_RESULT_FEATURE_UNSUPPORTED, 403],
    [CxResult.CX_RESULT_UNABLE_TO_COMPLY, 503],
    [CxResult.CX_RESULT_UNSPECIFIED, 403],
  ]
  assert.equal(rows.length, Object.keys(CxResult).length - 1, 'all but UNRECOGNIZED')
  for (const [result, expected] of rows) {
    const answer = { result, serverName: '', vector: wireVector(), profile: ALICE_PROFILE }
    const { cx } = createClient({ uar: answer, mar: answer, sar: answer })
    for (const outcome of [
      await cx.authorize(register()),
      await cx.fetchVector(register(), undefined),
      await cx.assign(register(), false),
    ]) {
      if (outcome.kind === 'success') assert.equal(expected, 'success', String(result))
      else
        assert.equal(
          REFUSALS[outcome.kind === 'refused' ? outcome.reason : 'hss-unavailable'],
          expected,
          String(result),
        )
    }
  }
})

test('every result of LIA has its SIP status: unknown is 404, without services 480 (TS 29.228 clause 6.1.4)', async () => {
  const rows: [CxResult, string][] = [
    [CxResult.CX_RESULT_SUCCESS, 'unregistered'],
    [CxResult.CX_RESULT_UNREGISTERED_SERVICE, 'unregistered'],
    [CxResult.CX_RESULT_USER_UNKNOWN, 'unknown'],
    [CxResult.CX_RESULT_IDENTITY_NOT_REGISTERED, 'no-services'],
    [CxResult.CX_RESULT_UNABLE_TO_COMPLY, 'unavailable'],
  ]
  for (const [result, kind] of rows) {
    const { cx } = createClient({
      lir: { result, serverName: '', canonicalImpu: ALICE },
      sar: { result: SUCCESS, profile: ALICE_PROFILE },
    })
    assert.equal((await cx.locate(ALICE)).kind, kind, String(result))
  }
})

test('each end of a registration is told as what it is (TS 29.229 clause 6.3.15)', async () => {
  const rows = [
    ['unregistered', ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_USER_DEREGISTRATION],
    ['expired', ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_TIMEOUT_DEREGISTRATION],
    ['deactivated', ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION],
    ['probation', ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION],
    ['rejected', ServerAssignmentType.SERVER_ASSIGNMENT_TYPE_ADMINISTRATIVE_DEREGISTRATION],
  ] as const
  for (const [reason, type] of rows) {
    const { cx, asked } = createClient({ sar: { result: SUCCESS } })
    assert.equal(await cx.deassign({ impi: PHONE, impu: ALICE, reason }), true)
    assert.equal(asked[0]?.message.type, type, reason)
  }
})
