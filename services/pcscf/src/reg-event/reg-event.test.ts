import assert from 'node:assert/strict'
import test from 'node:test'
import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import { type RegContact, writeReginfo } from '@rollcall/reginfo'
import { createEnvelope } from '@rollcall/runtime'
import {
  callId,
  createRequest,
  createResponse,
  cseq,
  expires,
  fromTag,
  parseMessage,
  type SipRequest,
  type SipResponse,
  serializeMessage,
  toTag,
} from '@rollcall/sip'
import { sweep } from '../sweep.ts'
import {
  ALICE,
  ALICE_TEL,
  BOB,
  BOB_IMPI,
  DOMAIN,
  HOST,
  newBranchText,
  notify,
  PHONE,
  register,
  SECOND_END,
  SERVICE_ROUTE,
  subscribe,
  UE,
} from '../testing/messages.ts'
import { type CoreRequest, Rig } from '../testing/rig.ts'

const SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
const SCSCF = `scscf-0.scscf.${DOMAIN}`
const ON = { ROLLCALL_PCSCF_REG_EVENT: true }
const GONE = { state: 'terminated', event: 'deactivated' } as const

function bring(rig: Rig, request: SipRequest | Buffer): SipResponse[] {
  const answers: SipResponse[] = []
  const sip = Buffer.isBuffer(request) ? request : serializeMessage(request)
  rig.terminating.handle({ sip, envelope: createEnvelope(), span: SPAN }, (answer) => {
    answers.push(parseMessage(answer) as SipResponse)
  })
  return answers
}

/** The SUBSCRIBEs for registration states that the core got. */
function asked(rig: Rig): CoreRequest[] {
  return rig.coreRequests.filter(({ request }) => request.headers.get('Event') === 'reg')
}

function accept(subscription: CoreRequest | undefined, seconds = 600_600): CoreRequest {
  assert.ok(subscription, 'there is a SUBSCRIBE')
  subscription.respond(200, [
    ['Expires', String(seconds)],
    ['Contact', `<sip:reg-3@${SCSCF}>`],
  ])
  return subscription
}

/** A NOTIFY in the dialog of a SUBSCRIBE. */
function notifyOf(
  { request }: CoreRequest,
  o: {
    version?: number
    contact?: Partial<RegContact>
    aors?: readonly string[]
    state?: string
    tag?: string
    type?: string
    body?: Buffer
  } = {},
): SipRequest {
  const contact: RegContact = {
    id: 'c1',
    uri: `sip:${UE}:15064`,
    state: 'active',
    event: 'registered',
    instance: `<${PHONE}>`,
    ...o.contact,
  }
  const version = o.version ?? 0
  const registrations = (o.aors ?? [ALICE, ALICE_TEL]).map((aor) => ({
    aor,
    id: aor,
    state: contact.state,
    contacts: [contact],
  }))
  return createRequest(
    'NOTIFY',
    `sip:reg-event@${HOST}`,
    [
      ['Via', `SIP/2.0/TLS ${SCSCF};branch=${newBranchText()}`],
      ['Max-Forwards', '70'],
      ['From', `<${ALICE}>;tag=core-tag`],
      ['To', `<sip:${HOST}>;tag=${o.tag ?? fromTag(request)}`],
      ['Call-ID', callId(request)],
      ['CSeq', `${version + 1} NOTIFY`],
      ['Contact', `<sip:reg-3@${SCSCF}>`],
      ['Event', 'reg'],
      ['Subscription-State', o.state ?? 'active;expires=600600'],
      ['Content-Type', o.type ?? 'application/reginfo+xml'],
    ],
    o.body ?? writeReginfo({ version, state: 'full', registrations }),
  )
}

/** A registered UE whose registration state is subscribed to. */
async function watched(rig: Rig): Promise<CoreRequest> {
  await rig.register()
  return accept(asked(rig).at(-1))
}

test('after the first registration the P-CSCF subscribes, as who its Path names, by the Service-Route, once (TS 24.229 clause 5.2.3)', async () => {
  const rig = new Rig(ON)
  const set = await rig.register()
  const path =
    rig.coreRequests.findLast(({ request }) => request.headers.has('Path'))?.request.headers.get('Path') ?? ''
  const [subscription] = asked(rig)
  assert.ok(subscription)
  const { host, request, envelope } = subscription
  assert.equal(host, SCSCF)
  assert.equal(request.uri, ALICE)
  assert.deepEqual(request.headers.getAll('Route'), [SERVICE_ROUTE])
  assert.equal(request.headers.get('To'), `<${ALICE}>`)
  assert.match(request.headers.get('From') ?? '', new RegExp(`^<sip:${HOST}>;tag=`))
  assert.equal(request.headers.get('Contact'), `<sip:reg-event@${HOST}>`)
  assert.equal(request.headers.get('Accept'), 'application/reginfo+xml')
  assert.equal(request.headers.get('P-Asserted-Identity'), path)
  assert.match(request.headers.get('P-Charging-Vector') ?? '', /^icid-value=/)
  assert.deepEqual(envelope.assertedIdentities, [path.slice(1, -1)])
  assert.deepEqual([envelope.impi, envelope.accessSecurity], ['', AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN])
  assert.ok((expires(request) ?? 0) > 600_000)
  accept(subscription)
  const second = await rig.challenge({ on: set, end: SECOND_END, callId: 'again', cseq: 5 })
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6 })
  rig.coreRequest.respond(200, [
    ['Contact', `<sip:${UE}:15064>;+sip.instance="<${PHONE}>";expires=600000`],
    ['Service-Route', SERVICE_ROUTE],
    ['P-Associated-URI', `<${ALICE}>`],
  ])
  await rig.settle()
  assert.equal(asked(rig).length, 1)
})

test('switched off, nobody is asked', async () => {
  const rig = new Rig()
  await rig.register()
  assert.equal(asked(rig).length + rig.regEvent.size, 0)
})

test('a registration that the network ends is gone at once, and its sets in 64*T1 (TS 24.229 clause 5.2.5.2)', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  const set = rig.newestSet()
  assert.deepEqual(bring(rig, notifyOf(subscription)).length, 0)
  await rig.settle()
  assert.equal(rig.context.contacts.size, 1)
  const [answer] = await brought(
    rig,
    notifyOf(subscription, { version: 1, contact: GONE, state: 'terminated;reason=noresource' }),
  )
  assert.equal(answer?.status, 200)
  assert.equal(rig.context.contacts.size, 0)
  assert.deepEqual(rig.changes.at(-1)?.kind, 'contact-removed')
  assert.equal(rig.context.sets.find(set.id)?.state, 'closing')
  assert.equal(rig.context.sets.find(set.id)?.expiresAtMs, rig.clock.monotonic() + 128_000)
  assert.ok(rig.audits.some(({ event, reason }) => event === 'registration.ended' && reason === 'network'))
  rig.protected(set, subscribe())
  assert.equal(rig.answer.status, 403)
  rig.clock.advance(128_000)
  sweep(rig.context, rig.regEvent, [])
  assert.equal(rig.installed.size + rig.regEvent.size + rig.context.contacts.leaving, 0)
})

/** Brings a request and lets what it begins go on. */
async function brought(rig: Rig, request: SipRequest): Promise<SipResponse[]> {
  const answers = bring(rig, request)
  await rig.settle()
  return answers
}

test('who is registered no more is still told that, in the set that is left, and nothing else (TS 24.229 clause 5.2.5.2)', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  const { token } = rig
  const set = rig.newestSet()
  await brought(rig, notifyOf(subscription, { contact: GONE }))
  const told = notify(token, { headers: [['Event', 'reg']] })
  const regNotify = Buffer.from(String(told).replace('Event: presence\r\n', ''), 'latin1')
  const answers = bring(rig, regNotify)
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: set.id })
  rig.protected(set, createResponse(rig.last.message as SipRequest, 200))
  assert.equal(answers[0]?.status, 200)
  assert.equal(bring(rig, notify(token))[0]?.status, 404)
})

test('an identity that was taken away is not asserted any more, and the default is the next one (TS 24.229 clause 5.2.3)', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  await brought(rig, notifyOf(subscription, { aors: [ALICE_TEL] }))
  rig.protected(rig.newestSet(), subscribe({ headers: [['P-Preferred-Identity', `<${ALICE}>`]] }))
  assert.deepEqual(rig.coreRequest.envelope.assertedIdentities, [ALICE_TEL])
  assert.equal(rig.changes.at(-1)?.kind, 'contact-bound')
})

test('a registration that is shortened ends earlier, with its sets; re-registered in time, it goes on (TS 24.229 clause 5.4.1.6)', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  const set = rig.newestSet()
  await brought(rig, notifyOf(subscription, { contact: { event: 'shortened', expiresSeconds: 60 } }))
  rig.clock.advance(60_000)
  rig.protected(set, subscribe())
  assert.equal(rig.coreRequest.request.method, 'SUBSCRIBE')
  rig.clock.advance(30_000)
  rig.protected(set, subscribe())
  assert.equal(rig.answer.status, 403)
  sweep(rig.context, rig.regEvent, [])
  assert.equal(rig.context.sets.find(set.id)?.state, 'closing')
  rig.clock.advance(128_000)
  assert.equal(rig.installed.size, 0)
})

test('a NOTIFY that is in no dialog of ours, out of order or of another package changes nothing (RFC 3680 section 4.8, RFC 6665 section 4.1.3)', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  const gone = { version: 5, contact: GONE }
  await brought(rig, notifyOf(subscription, { version: 6 }))
  const other = notifyOf(subscription, gone)
  other.headers.set('Call-ID', 'unknown')
  const wrongPeer = notifyOf(subscription, { ...gone, version: 8 })
  wrongPeer.headers.set('From', `<${ALICE}>;tag=somebody`)
  const otherPackage = notifyOf(subscription, { ...gone, version: 9 })
  otherPackage.headers.set('Event', 'presence')
  const cases = [
    [other, 481],
    [notifyOf(subscription, { ...gone, tag: 'not-ours' }), 481],
    [wrongPeer, 481],
    [otherPackage, 489],
    [notifyOf(subscription, gone), 500],
    [notifyOf(subscription, { ...gone, version: 10, type: 'application/pidf+xml' }), 415],
    [notifyOf(subscription, { version: 11, body: Buffer.from('<!DOCTYPE x><reginfo/>') }), 400],
    [notifyOf(subscription, { version: 12, state: ';;' }), 400],
  ] as const
  for (const [request, status] of cases) assert.equal((await brought(rig, request))[0]?.status, status)
  assert.equal(rig.context.contacts.size, 1)
})

test('a version that is not newer says nothing; the dialog goes on (RFC 3680 section 5.3.1)', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  await brought(rig, notifyOf(subscription, { version: 4 }))
  const old = notifyOf(subscription, { version: 4, contact: GONE })
  old.headers.set('CSeq', '70000 NOTIFY')
  assert.equal((await brought(rig, old))[0]?.status, 200)
  assert.equal(rig.context.contacts.size, 1)
  await brought(rig, notifyOf(subscription, { version: 70_000, contact: GONE }))
  assert.equal(rig.context.contacts.size, 0)
})

test('a NOTIFY that comes before the answer makes the dialog (RFC 6665 section 4.4.1)', async () => {
  const rig = new Rig(ON)
  await rig.register()
  const [subscription] = asked(rig)
  assert.ok(subscription)
  assert.equal((await brought(rig, notifyOf(subscription, { aors: [ALICE] })))[0]?.status, 200)
  accept(subscription)
  assert.equal((await brought(rig, notifyOf(subscription, { version: 1, contact: GONE })))[0]?.status, 200)
  assert.equal(rig.context.contacts.size, 0)
})

test('a subscription is refreshed in its dialog 600 s before its end, or at half time (TS 24.229 clause 5.2.3)', async () => {
  for (const [granted, afterMs] of [
    [1_201, 601_000],
    [1_200, 600_000],
    [600, 300_000],
  ] as const) {
    const rig = new Rig(ON)
    await rig.register()
    const first = accept(asked(rig)[0], granted)
    rig.clock.advance(afterMs - 1)
    assert.equal(asked(rig).length, 1)
    rig.clock.advance(1)
    const refresh = asked(rig)[1]
    assert.ok(refresh)
    assert.equal(refresh.request.uri, `sip:reg-3@${SCSCF}`)
    assert.equal(callId(refresh.request), callId(first.request))
    assert.equal(toTag(refresh.request), 'core-tag')
    assert.equal(cseq(refresh.request).sequence, 2)
    assert.deepEqual(refresh.envelope.assertedIdentities, first.envelope.assertedIdentities)
  }
})

test('a dialog that the S-CSCF does not know any more, or ends, is made anew; one that it refuses waits for the next REGISTER (RFC 6665 section 4.1.2.2)', async () => {
  const rig = new Rig(ON)
  const first = await watched(rig)
  rig.clock.advance(600_000_000)
  asked(rig).at(-1)?.respond(481)
  rig.clock.advance(20)
  const second = asked(rig).at(-1)
  assert.ok(second && callId(second.request) !== callId(first.request))
  accept(second)
  await brought(rig, notifyOf(second, { state: 'terminated;reason=timeout' }))
  rig.clock.advance(20)
  const third = asked(rig).at(-1)
  assert.ok(third && callId(third.request) !== callId(second.request))
  const count = asked(rig).length
  third.respond(403)
  rig.clock.advance(3_600_000)
  assert.equal(asked(rig).length, count)
})

test('an S-CSCF that is away is asked again after 30 s, 60 s …, not before its Retry-After, and 423 is followed (RFC 6665 section 4.1.2)', async () => {
  const rig = new Rig(ON)
  await rig.register()
  asked(rig)[0]?.end({ kind: 'unreachable' })
  rig.clock.advance(29_999)
  assert.equal(asked(rig).length, 1)
  rig.clock.advance(10_000)
  assert.equal(asked(rig).length, 2)
  asked(rig)[1]?.respond(503, [['Retry-After', '600']])
  rig.clock.advance(599_999)
  assert.equal(asked(rig).length, 2)
  rig.clock.advance(151_000)
  assert.equal(asked(rig).length, 3)
  asked(rig)[2]?.respond(423, [['Min-Expires', '900000']])
  rig.clock.advance(20)
  assert.equal(expires(asked(rig)[3]?.request ?? assert.fail('not asked again')), 900_000)
})

test('after a restart all are made anew, one each interval and a few at once (RFC 6665 section 4.1)', async () => {
  const rig = new Rig(ON)
  await rig.register()
  const [contact] = rig.context.contacts.all(rig.clock.now())
  assert.ok(contact)
  const restarted = new Rig(ON)
  for (let n = 0; n < 40; n++) {
    const copy = { ...contact, registrationId: Buffer.alloc(16, n + 1), instance: `<urn:${n}>` }
    restarted.context.contacts.bind(copy)
    restarted.regEvent.registered(copy)
  }
  assert.equal(asked(restarted).length, 1)
  restarted.clock.advance(60)
  assert.equal(asked(restarted).length, 4)
  restarted.clock.advance(1_000)
  assert.equal(asked(restarted).length, 16)
  for (const one of asked(restarted)) accept(one)
  restarted.clock.advance(1_000)
  for (const one of asked(restarted).slice(16)) accept(one)
  restarted.clock.advance(1_000)
  assert.equal(asked(restarted).length, 40)
})

test('what cannot be written counts all the same, and is answered 503, to be told again', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  rig.store = 'failing'
  const [answer] = await brought(rig, notifyOf(subscription, { contact: GONE }))
  assert.equal(answer?.status, 503)
  assert.ok(answer?.headers.has('Retry-After'))
  assert.equal(rig.context.contacts.size, 0)
})

test('a UE that leaves takes its subscription along, and the last NOTIFY is answered (RFC 3680 section 4.7.1)', async () => {
  const rig = new Rig(ON)
  const subscription = await watched(rig)
  rig.protected(rig.newestSet(), register({ via: `SIP/2.0/UDP ${UE}:15064`, cseq: 9, callId: 'leave', expires: 0 }))
  rig.coreRequest.respond(200, [])
  await rig.settle()
  assert.equal(rig.context.contacts.size, 0)
  const last = notifyOf(subscription, {
    contact: { ...GONE, event: 'unregistered' },
    state: 'terminated;reason=noresource',
  })
  assert.equal((await brought(rig, last))[0]?.status, 200)
  assert.equal(rig.regEvent.size, 0)
  assert.equal((await brought(rig, notifyOf(subscription, { version: 9 })))[0]?.status, 481)
})

test('the subscription of one UE says nothing of another’s registration', async () => {
  const rig = new Rig(ON)
  const alices = await watched(rig)
  await rig.register({
    impi: BOB_IMPI,
    impu: BOB,
    instance: 'urn:gsma:imei:2',
    callId: 'bob',
    source: { address: '127.0.1.2', port: 15_060 },
    end: SECOND_END,
  })
  await brought(
    rig,
    notifyOf(alices, { aors: [BOB], contact: { ...GONE, uri: 'sip:127.0.1.2:15064', instance: '<urn:gsma:imei:2>' } }),
  )
  assert.equal(rig.context.contacts.size, 2)
})
