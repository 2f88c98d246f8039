import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { DeregistrationKind, RegistrationEffect } from '@rollcall/proto-gen/admin'
import { parseReginfo } from '@rollcall/reginfo'
import { callUnary } from '@rollcall/runtime'
import { createRequest, parseSubscriptionState, type SipRequest, type SipResponse } from '@rollcall/sip'
import { FakeUe } from './testing/fake-ue.ts'
import { PCSCF_HOST, REALM, SCSCF_HOST } from './testing/fixtures.ts'
import { regSubscribe, ueEnvelope } from './testing/reg-subscribe.ts'
import { type Destination, type Received, ScscfStack, until } from './testing/scscf-stack.ts'

/** As many that each replica serves some of them. */
const USERS = 12

let stack: ScscfStack
const ues = Array.from({ length: USERS }, (_, index) => createUe(index))

function createUe(index: number): FakeUe {
  return new FakeUe({
    impi: `0010100002${String(index).padStart(5, '0')}@${REALM}`,
    impu: `sip:reg-${index}@${REALM}`,
    address: `127.35.6.${100 + index}`,
    k: systemRandom.bytes(16),
    opc: systemRandom.bytes(16),
  })
}

before(async () => {
  stack = await ScscfStack.start('127.35.6.2', { replicas: 2 })
  for (const [index, { impi, impu, keys }] of ues.entries()) {
    const secrets = { impi, k: keys.k.reveal(), opc: keys.opc.reveal() }
    await stack.provision(`reg-${index}`, [impu, `tel:+1555200${index}`], [secrets])
  }
  await until(async () => {
    const owned = [0, 1].map((index) => stack.metric('rollcall_scscf_partitions_owned', index))
    return (await Promise.all(owned)).every((count) => count > 0)
  }, 'both replicas have their share')
  for (const [index, ue] of ues.entries()) {
    assert.equal((await stack.registerFully(ue, {}, index % 2)).status, 200)
  }
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

let serial = 0

interface Asked {
  readonly callId: string
  readonly response: SipResponse
}

/** A SUBSCRIBE of a UE or of its P-CSCF, as that one sends it. */
async function subscribe(ue: FakeUe, by: 'ue' | 'pcscf', to: Destination = 0): Promise<Asked> {
  const { callId, request, envelope } = regSubscribe(ue, by, ++serial)
  return { callId, response: await stack.send(request, envelope, 'pcscf', to) }
}

function notifies(callId: string): Received[] {
  return stack.received.pcscf.filter(({ request }) => {
    return request.method === 'NOTIFY' && request.headers.get('Call-ID') === callId
  })
}

/** The NOTIFY with this number, from 1, in the dialog. */
async function notify(callId: string, number: number): Promise<SipRequest> {
  await until(() => notifies(callId).length >= number, `NOTIFY ${number} of ${callId}`)
  const found = notifies(callId)[number - 1]
  assert.ok(found)
  return found.request
}

function contactOf(request: SipRequest): string {
  const [first] = parseReginfo(request.body).registrations
  return `${first?.state} ${first?.contacts.map(({ state, event }) => `${state}/${event}`).join()}`
}

function stateOf(request: SipRequest): string {
  const { state, reason } = parseSubscriptionState(request.headers.get('Subscription-State') ?? '')
  return reason === undefined ? state : `${state} ${reason}`
}

function user(index: number): FakeUe {
  const ue = ues[index]
  assert.ok(ue)
  return ue
}

test('UE and P-CSCF subscribe by any replica, and are told by the one that owns the user (TS 24.229 clause 5.4.2.1)', async () => {
  for (const index of [0, 1, 2, 3]) {
    for (const by of ['ue', 'pcscf'] as const) {
      const { callId, response } = await subscribe(user(index), by, index % 2 === 0 ? 1 : 0)
      assert.equal(response.status, 200)
      assert.match(response.headers.get('Contact') ?? '', new RegExp(`^<sip:reg-\\d+@${SCSCF_HOST}>$`))
      const request = await notify(callId, 1)
      assert.equal(contactOf(request), 'active active/registered')
      assert.equal(request.uri, by === 'ue' ? `sip:${user(index).address}:15066` : `sip:reg-event@${PCSCF_HOST}`)
    }
  }
  const gauges = [0, 1].map((index) => stack.metric('rollcall_scscf_reg_subscriptions', index))
  assert.equal(
    (await Promise.all(gauges)).reduce((sum, count) => sum + count),
    8,
  )
})

test('a refresh and the end in a dialog find the owner by our Contact, whichever replica they come to', async () => {
  const ue = user(9)
  const { callId, response } = await subscribe(ue, 'ue')
  const [, tag = ''] = /;tag=(.*)$/.exec(response.headers.get('To') ?? '') ?? []
  const target = /<(.*)>/.exec(response.headers.get('Contact') ?? '')?.[1] ?? ''
  const from = (await notify(callId, 1)).headers.get('To') ?? ''
  for (const [to, expires] of [
    [0, 600],
    [1, 700],
    [0, 0],
  ] as const) {
    const id = ++serial
    const request = createRequest('SUBSCRIBE', target, [
      ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKd${id}`],
      ['Max-Forwards', '69'],
      ['From', from],
      ['To', `<${ue.impu}>;tag=${tag}`],
      ['Call-ID', callId],
      ['CSeq', `${id} SUBSCRIBE`],
      ['Event', 'reg'],
      ['Contact', `<sip:${ue.address}:15066>`],
      ['Expires', String(expires)],
    ])
    const answer = await stack.send(request, ueEnvelope(ue), 'pcscf', to)
    assert.equal(answer.status, 200)
    assert.equal(answer.headers.get('Expires'), String(expires))
  }
  assert.equal(stateOf(await notify(callId, 4)), 'terminated timeout')
})

test('an operator de-registers at any replica: durable, told, and at the HSS (TS 24.229 clause 5.4.1.5)', async () => {
  for (const [index, asked] of [
    [4, 0],
    [4, 1],
    [5, 0],
    [5, 1],
  ] as const) {
    const ue = user(index)
    assert.equal((await stack.registerFully(ue)).status, 200)
    const { callId } = await subscribe(ue, 'ue')
    await notify(callId, 1)
    const request = {
      impu: `tel:+1555200${index}`,
      impi: '',
      kind: DeregistrationKind.DEREGISTRATION_KIND_REJECTED,
      retryAfterSeconds: 0,
      forwarded: false,
    }
    const answer = await stack.asOperator(asked, (admin) => callUnary(admin.deregister.bind(admin), request))
    assert.deepEqual(answer, { contacts: 1 })
    const last = await notify(callId, 2)
    assert.equal(contactOf(last), 'terminated terminated/rejected')
    assert.equal(stateOf(last), 'terminated noresource')
    assert.ok(!(await stack.registrations()).includes(ue.impi))
    await until(async () => (await stack.serverOf(ue.impi)) === '', 'the HSS has heard of it')
  }
})

test('an operator asks for a new authentication: shortened, and the UE that re-registers stays (TS 24.229 clause 5.4.1.6)', async () => {
  const ue = user(6)
  const { callId } = await subscribe(ue, 'ue')
  await notify(callId, 1)
  const request = { impu: ue.impu, impi: ue.impi, expiresSeconds: 30, forwarded: false }
  const answer = await stack.asOperator(1, (admin) => callUnary(admin.reauthenticate.bind(admin), request))
  assert.deepEqual(answer, { contacts: 1 })
  const told = await notify(callId, 2)
  assert.equal(contactOf(told), 'active active/shortened')
  assert.equal(parseReginfo(told.body).registrations[0]?.contacts[0]?.expiresSeconds, 30)
  const challenge = await stack.register(ue, { isProtected: true })
  assert.equal(challenge.status, 401)
  const again = await stack.register(ue, { isProtected: true, authorization: ue.answer(challenge) })
  assert.equal(again.status, 200)
})

test('who is removed at the HSS is de-registered at once by RTR (TS 29.228 clause 6.1.3)', async () => {
  const ue = user(7)
  const { callId } = await subscribe(ue, 'pcscf')
  await notify(callId, 1)
  const { registrations } = await stack.provisioning((admin) => {
    return callUnary(admin.removeSubscriber.bind(admin), { subscriptionId: 'reg-7' })
  })
  assert.equal(registrations, RegistrationEffect.REGISTRATION_EFFECT_IN_FORCE)
  assert.equal(contactOf(await notify(callId, 2)), 'terminated terminated/rejected')
  assert.ok(!(await stack.registrations()).includes(ue.impi))
  assert.equal((await stack.register(ue)).status, 403)
})

test('a profile that changes at the HSS is in force at once by PPR, an identity that goes ends the set (TS 29.228 clause 6.2.2)', async () => {
  const ue = user(8)
  const { callId } = await subscribe(ue, 'ue')
  await notify(callId, 1)
  const set = async (identities: readonly string[]) => {
    const serviceProfile = {
      publicIdentities: identities.map((identity) => ({ identity, barringIndication: false })),
      initialFilterCriteria: [],
      canonicalImpu: '',
    }
    return await stack.provisioning((admin) => {
      return callUnary(admin.setServiceProfile.bind(admin), { subscriptionId: 'reg-8', serviceProfile })
    })
  }
  const more = [ue.impu, 'tel:+15552008', `sip:eight@${REALM}`]
  assert.equal((await set(more)).registrations, RegistrationEffect.REGISTRATION_EFFECT_IN_FORCE)
  const told = parseReginfo((await notify(callId, 2)).body)
  assert.deepEqual(
    told.registrations.map(({ aor }) => aor),
    more,
  )
  await set([ue.impu])
  const last = await notify(callId, 3)
  assert.match(contactOf(last), /^terminated terminated\/deactivated/)
  const response = await stack.registerFully(ue)
  assert.equal(response.status, 200)
  assert.deepEqual(response.headers.list('P-Associated-URI'), [`<${ue.impu}>`])
})

test('a replica that goes hands its subscribers over: same dialogs, higher versions', async () => {
  const before = new Map<string, number>()
  for (const index of [0, 1, 2, 3]) {
    const { callId } = await subscribe(user(index), 'ue')
    before.set(callId, parseReginfo((await notify(callId, 1)).body).version)
  }
  await stack.stopScscf(1)
  await until(async () => (await stack.metric('rollcall_scscf_partitions_owned', 0)) === 16, 'the other has all')
  await until(async () => (await stack.metric('rollcall_scscf_reg_subscriptions', 0)) >= 8, 'with all subscribers')
  for (const [callId, version] of before) {
    const index = [...before.keys()].indexOf(callId)
    const request = { impu: user(index).impu, impi: '', expiresSeconds: 100, forwarded: false }
    await stack.asOperator(0, (admin) => callUnary(admin.reauthenticate.bind(admin), request))
    await until(() => notifies(callId).some((one) => contactOf(one.request).includes('shortened')), 'it is told')
    const versions = notifies(callId).map((one) => parseReginfo(one.request.body).version)
    assert.deepEqual(
      versions,
      [...versions].sort((one, other) => one - other),
    )
    assert.ok((versions.at(-1) ?? 0) > version)
  }
})
