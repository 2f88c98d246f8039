import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impi, parseImpu } from '@rollcall/core'
import {
  DefaultHandling,
  type InitialFilterCriteria,
  ProfilePartIndicator,
  type ServiceProfile,
  SessionCase,
} from '@rollcall/proto-gen/cx'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import type { Role } from '@rollcall/runtime'
import type { SipRequest } from '@rollcall/sip'
import {
  ALICE,
  ALICE_PROFILE,
  ALICE_TEL,
  BOB,
  BOB_IMPI,
  BOB_PROFILE,
  PCSCF_HOST,
  PHONE,
  PRESENCE_HOST,
  profile,
  REALM,
  SCSCF_HOST,
  TABLET,
} from '../testing/fixtures.ts'
import { bobsEnvelope, request, withBob } from './testing/harness.ts'

const AS = `<sip:${PRESENCE_HOST};lr>`

function statusOf(responses: { status: number }[]): number | undefined {
  return responses.at(-1)?.status
}

function criterion(
  host: string,
  handling: DefaultHandling,
  sessionCase: SessionCase,
  priority: number,
): InitialFilterCriteria {
  return {
    priority,
    triggerPoint: {
      conditionTypeCnf: true,
      spt: [
        {
          conditionNegated: false,
          group: [0],
          trigger: { $case: 'sessionCase', value: sessionCase },
          registrationTypes: [],
        },
      ],
    },
    applicationServer: {
      serverName: `sip:${host};lr`,
      defaultHandling: handling,
      serviceInfo: '',
      includeRegisterRequest: false,
      includeRegisterResponse: false,
    },
    profilePartIndicator: ProfilePartIndicator.PROFILE_PART_INDICATOR_UNSPECIFIED,
  }
}

function withCriteria(base: ServiceProfile, ...initialFilterCriteria: InitialFilterCriteria[]): ServiceProfile {
  return { ...base, initialFilterCriteria }
}

const { SESSION_CASE_ORIGINATING, SESSION_CASE_TERMINATING_REGISTERED } = SessionCase
const { DEFAULT_HANDLING_SESSION_CONTINUED, DEFAULT_HANDLING_SESSION_TERMINATED } = DefaultHandling

/** The request as an application server gives it back. */
function givenBack(sent: { request: SipRequest }, changes: { uri?: string } = {}): SipRequest {
  const back = { ...sent.request, headers: sent.request.headers.clone(), uri: changes.uri ?? sent.request.uri }
  back.headers.removeFirst('Route')
  back.headers.prepend('Via', `SIP/2.0/TLS ${PRESENCE_HOST};branch=z9hG4bKas`)
  return back
}

test('a SUBSCRIBE goes to the presence server by the presentity’s filter criteria (readings, SIP hop 6)', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  const responses = await harness.receive(request('SUBSCRIBE'))
  const { last } = harness
  assert.equal(last.host, PRESENCE_HOST)
  const { headers } = last.request
  const [first, second] = headers.list('Route')
  assert.equal(first, AS)
  assert.match(second ?? '', new RegExp(`^<sip:odi-[0-9a-f]{32}-scscf-0@${SCSCF_HOST};lr>$`))
  assert.equal(headers.get('P-Served-User'), `<${ALICE}>;sescase=term;regstate=reg`)
  // One Record-Route a leg, the terminating one on top.
  assert.deepEqual(headers.list('Record-Route'), [
    `<sip:dialog-term@${SCSCF_HOST};lr>`,
    `<sip:dialog-orig@${SCSCF_HOST};lr>`,
    `<sip:token-bob@${PCSCF_HOST};lr>`,
  ])
  assert.equal(headers.get('Max-Forwards'), '67')
  last.answer(200)
  assert.equal(statusOf(responses), 200)
})

test('who is served comes from the envelope, and the header field says the same (RFC 3325)', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  await harness.receive(request('SUBSCRIBE', { headers: [['P-Preferred-Identity', '<sip:x@y>']] }))
  const { request: sent, vouched } = harness.last
  assert.deepEqual(sent.headers.getAll('P-Asserted-Identity'), [`<${BOB}>`])
  assert.ok(!sent.headers.has('P-Preferred-Identity'))
  // The private identity stays here.
  assert.deepEqual(vouched, {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: '',
    assertedIdentities: [BOB],
  })
  assert.equal(harness.last.receivedAtMs, 17n)
})

test('a user’s number is asserted beside the sip: identity (TS 24.229 clause 5.4.3.2)', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  const envelope = { ...bobsEnvelope(), impi: PHONE, assertedIdentities: [ALICE] }
  await harness.receive(request('PUBLISH'), { envelope })
  assert.deepEqual(harness.last.vouched.assertedIdentities, [ALICE, ALICE_TEL])
  assert.deepEqual(harness.last.request.headers.getAll('P-Asserted-Identity'), [`<${ALICE}>`, `<${ALICE_TEL}>`])
})

test('a PUBLISH goes to the presence server on its originating leg, and its route is not recorded', async () => {
  const harness = withBob()
  await harness.receive(request('PUBLISH', { uri: BOB }))
  assert.equal(harness.last.host, PRESENCE_HOST)
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${BOB}>;sescase=orig;regstate=reg`)
  assert.deepEqual(harness.last.request.headers.list('Record-Route'), [`<sip:token-bob@${PCSCF_HOST};lr>`])
})

test('who is not registered, or not by this IMPI, originates nothing (TS 24.229 clause 5.4.3.2)', async () => {
  const rows: [string, object][] = [
    ['no-served-user', { assertedIdentities: [] }],
    ['no-served-user', { assertedIdentities: ['nonsense'] }],
    ['no-served-user', { impi: '' }],
    ['no-served-user', { assertedIdentities: [BOB, ALICE] }],
    ['not-registered', { assertedIdentities: [`sip:mallory@${REALM}`] }],
    ['not-registered', { impi: TABLET }],
  ]
  for (const [reason, changes] of rows) {
    const harness = withBob()
    const responses = await harness.receive(request('SUBSCRIBE'), { envelope: { ...bobsEnvelope(), ...changes } })
    assert.deepEqual(harness.refusals, [reason])
    assert.equal(statusOf(responses), 403)
    assert.equal(harness.sent.length, 0)
  }
})

test('a registration that has run out originates nothing, also before its end is written', async () => {
  const harness = withBob()
  harness.register(BOB_PROFILE, [BOB_IMPI], 1_000)
  harness.clock.advance(1_000)
  assert.equal(statusOf(await harness.receive(request('SUBSCRIBE'))), 403)
})

test('a barred identity neither originates nor is reached (TS 23.228 clause 5.2.1)', async () => {
  const harness = withBob()
  harness.register(profile(`!${BOB}`, `sip:bobby@${REALM}`), [BOB_IMPI])
  assert.equal(statusOf(await harness.receive(request('SUBSCRIBE'))), 403)
  assert.deepEqual(harness.refusals, ['served-user-barred'])
  const other = withBob()
  other.register(profile(`!${ALICE}`, ALICE_TEL), [PHONE])
  assert.equal(statusOf(await other.receive(request('SUBSCRIBE'))), 404)
  assert.deepEqual(other.refusals, ['target-barred'])
})

test('whoever sends must come by the route of his role', async () => {
  const dialogRoute = [`<sip:dialog-orig@${SCSCF_HOST};lr>`]
  const termRoute = [`<sip:term@${SCSCF_HOST};lr>`]
  const origRoute = [`<sip:orig@${SCSCF_HOST};lr>`]
  const odiRoute = [`<sip:odi-0123-scscf-0@${SCSCF_HOST};lr>`]
  const rows = [
    ['pcscf', [], 'no-service-route'],
    ['pcscf', dialogRoute, 'no-service-route'],
    ['pcscf', termRoute, 'no-service-route'],
    ['pcscf', odiRoute, 'no-service-route'],
    ['presence', [], 'not-in-dialog'],
    ['presence', origRoute, 'not-in-dialog'],
    ['presence', termRoute, 'not-in-dialog'],
    ['presence', odiRoute, 'not-in-dialog'],
    ['scscf', origRoute, 'peer-role'],
    ['scscf', odiRoute, 'peer-role'],
    ['hss', [], 'peer-role'],
    ['operator', origRoute, 'peer-role'],
  ] as const
  for (const [role, route, reason] of rows) {
    const harness = withBob()
    harness.register(ALICE_PROFILE, [PHONE])
    const responses = await harness.receive(request('SUBSCRIBE', { route }), { role })
    assert.equal(statusOf(responses), 403, `${role} ${route}`)
    assert.deepEqual(harness.refusals, [reason], `${role} ${route}`)
  }
})

test('a request of another S-CSCF enters the terminating leg with what that one asserts', async () => {
  for (const route of [[`<sip:term@${SCSCF_HOST};lr>`], []]) {
    const harness = withBob()
    harness.register(ALICE_PROFILE, [PHONE])
    await harness.receive(request('SUBSCRIBE', { route }), { role: 'scscf' })
    assert.equal(harness.last.host, PRESENCE_HOST)
    assert.deepEqual(harness.last.vouched.assertedIdentities, [BOB])
    assert.equal(harness.last.request.headers.list('Record-Route').length, 2)
  }
})

test('a user who is not registered is served by the criteria for that state (TS 29.228 annex B.2.2, RFC 5502 section 4)', async () => {
  const harness = withBob()
  harness.locate = async (impu) => {
    assert.equal(impu, ALICE_TEL)
    return { kind: 'unregistered', canonicalImpu: ALICE, profile: ALICE_PROFILE }
  }
  await harness.receive(request('SUBSCRIBE', { uri: 'tel:+1-555-0100' }))
  assert.equal(harness.last.host, PRESENCE_HOST)
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${ALICE_TEL}>;sescase=term;regstate=unreg`)
})

test('whom a request cannot reach has an answer of his own', async () => {
  const rows = [
    [`sip:nobody@${REALM}`, 'unknown', 404, 'target-unknown'],
    [ALICE, 'no-services', 480, 'target-unregistered'],
    [ALICE, 'unavailable', 503, 'hss-unavailable'],
    ['sip:alice@elsewhere.example', 'unknown', 404, 'target-foreign'],
    ['mailto:alice@example.com', 'unknown', 416, 'target-scheme'],
    ['tel:+', 'unknown', 400, 'target-malformed'],
  ] as const
  for (const [uri, kind, status, reason] of rows) {
    const harness = withBob()
    harness.locate = async () => ({ kind })
    const responses = await harness.receive(request('SUBSCRIBE', { uri }))
    assert.equal(statusOf(responses), status, uri)
    assert.deepEqual(harness.refusals, [reason])
    assert.equal(responses[0]?.headers.has('Retry-After'), status === 503)
  }
})

test('a SIP URI with user=phone names the number (RFC 3261 section 19.1.6)', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  await harness.receive(request('SUBSCRIBE', { uri: `sip:+1-555-0100@${REALM};user=phone` }))
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${ALICE_TEL}>;sescase=term;regstate=reg`)
})

test('what no criterion takes goes to the contact bound last, by its Path (RFC 3327 section 5.3)', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE, TABLET])
  await harness.receive(request('MESSAGE', { event: 'none' }))
  const { last } = harness
  assert.equal(last.host, PCSCF_HOST)
  assert.equal(last.request.uri, 'sip:user@127.0.1.2:15066')
  assert.deepEqual(last.request.headers.list('Route'), [`<sip:token-1@${PCSCF_HOST};lr>`])
  assert.equal(last.request.headers.get('P-Called-Party-ID'), `<${ALICE}>`)
  assert.ok(!last.request.headers.has('P-Served-User'))
})

test('what no criterion takes and nobody is there for is 480', async () => {
  const harness = withBob()
  harness.locate = async () => ({ kind: 'unregistered', canonicalImpu: ALICE, profile: ALICE_PROFILE })
  assert.equal(statusOf(await harness.receive(request('MESSAGE', { event: 'none' }))), 480)
})

test('a request in a dialog follows its recorded route past every leg of ours (RFC 3261 section 16.12)', async () => {
  const harness = withBob()
  const route = [
    `<sip:dialog-term@${SCSCF_HOST};lr>`,
    `<sip:dialog-orig@${SCSCF_HOST};lr>`,
    `<sip:token-bob@${PCSCF_HOST};lr>`,
    '<sip:127.0.0.1:15064;lr>',
  ]
  await harness.receive(request('NOTIFY', { uri: 'sip:bob@127.0.1.3:15066', route, toTag: 'bob' }), {
    role: 'presence',
    envelope: { assertedIdentities: [ALICE], impi: PHONE },
  })
  const { last } = harness
  assert.equal(last.host, PCSCF_HOST)
  assert.deepEqual(last.request.headers.list('Route'), route.slice(2))
  assert.equal(last.request.uri, 'sip:bob@127.0.1.3:15066')
  // A presence server asserts nobody.
  assert.deepEqual(last.vouched, {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN,
    impi: '',
    assertedIdentities: [],
  })
})

test('a refresh in a dialog finds the presence server by its Contact, without filter criteria', async () => {
  const harness = withBob()
  const route = [`<sip:dialog-orig@${SCSCF_HOST};lr>`, `<sip:dialog-term@${SCSCF_HOST};lr>`]
  await harness.receive(request('SUBSCRIBE', { uri: `sip:presence-3@${PRESENCE_HOST}`, route, toTag: 'as' }))
  const { last } = harness
  assert.equal(last.host, PRESENCE_HOST)
  assert.equal(last.request.uri, `sip:presence-3@${PRESENCE_HOST}`)
  assert.deepEqual(last.request.headers.list('Route'), [])
  assert.deepEqual(last.request.headers.list('Record-Route'), [`<sip:token-bob@${PCSCF_HOST};lr>`])
  assert.deepEqual(last.vouched.assertedIdentities, [BOB])
  assert.deepEqual(last.request.headers.getAll('P-Asserted-Identity'), [`<${BOB}>`])
})

test('a route that leads nowhere, or back to us, is 404', async () => {
  for (const [uri, route] of [
    [`sip:x@nowhere.example`, []],
    [ALICE, [`<sip:dialog-orig@${SCSCF_HOST};lr>`]],
    ['sip:x@127.0.1.3', ['<sip:nowhere.example;lr>']],
  ] as const) {
    const harness = withBob()
    assert.equal(statusOf(await harness.receive(request('SUBSCRIBE', { uri, route, toTag: 'x' }))), 404)
  }
})

test('a request that has no hop left, or that goes round, ends here (RFC 3261 section 16.3)', async () => {
  const exhausted = request('SUBSCRIBE')
  exhausted.headers.set('Max-Forwards', '0')
  const harness = withBob()
  assert.equal(statusOf(await harness.receive(exhausted)), 483)
  const round = request('SUBSCRIBE')
  for (let count = 0; count < 16; count++)
    round.headers.prepend('Via', `SIP/2.0/TLS ${SCSCF_HOST};branch=z9hG4bK${count}`)
  assert.equal(statusOf(await harness.receive(round)), 482)
  const unlimited = request('PUBLISH', { uri: BOB })
  unlimited.headers.remove('Max-Forwards')
  await harness.receive(unlimited)
  assert.equal(harness.last.request.headers.get('Max-Forwards'), '70')
})

test('a SUBSCRIBE to registration state ends here, without criteria; its dialog is found by our Contact (TS 24.229 clause 5.4.2.1.1)', async () => {
  const harness = withBob()
  const own = `sip:reg-7@${SCSCF_HOST}`
  const cases: [string, { role?: Role; route?: string[] }, string | undefined][] = [
    [BOB, {}, BOB],
    [ALICE, { role: 'presence', route: [] }, ALICE],
    [BOB, { route: [] }, undefined],
    ['sip:bob@example.org', {}, undefined],
  ]
  for (const [uri, { role = 'pcscf', route }, watched] of cases) {
    harness.watched.length = 0
    await harness.receive(request('SUBSCRIBE', { uri, event: 'reg', ...(route && { route }) }), { role })
    assert.deepEqual(harness.watched, watched === undefined ? [] : [watched], uri)
  }
  harness.watched.length = 0
  await harness.receive(request('SUBSCRIBE', { uri: own, toTag: 't', event: 'reg', route: [] }))
  assert.deepEqual(harness.watched, [own])
  assert.equal(harness.sent.length, 0)
})

test('a final response of an application server goes to the caller and ends the chain', async () => {
  for (const status of [200, 302, 403, 404, 489, 603]) {
    const harness = withBob()
    harness.register(ALICE_PROFILE, [PHONE])
    const responses = await harness.receive(request('SUBSCRIBE'))
    harness.last.answer(status)
    assert.equal(statusOf(responses), status)
    assert.equal(harness.sent.length, 1)
    assert.deepEqual(harness.failed, [])
  }
})

test('an application server that fails ends the session when its default handling says so (TS 24.229 clause 5.4.3.3)', async () => {
  for (const [fail, status] of [
    [(harness: ReturnType<typeof withBob>) => harness.last.answer(408), 408],
    [(harness: ReturnType<typeof withBob>) => harness.last.answer(500), 500],
    [(harness: ReturnType<typeof withBob>) => harness.last.answer(503), 503],
    [(harness: ReturnType<typeof withBob>) => harness.last.on({ kind: 'failed', reason: 'next-hop-silent' }), 408],
    [(harness: ReturnType<typeof withBob>) => harness.last.on({ kind: 'failed', reason: 'next-hop-away' }), 503],
    [(harness: ReturnType<typeof withBob>) => harness.last.on({ kind: 'failed', reason: 'next-hop-full' }), 503],
  ] as const) {
    const harness = withBob()
    harness.register(ALICE_PROFILE, [PHONE])
    const responses = await harness.receive(request('SUBSCRIBE'))
    fail(harness)
    assert.equal(statusOf(responses), status)
    assert.deepEqual(harness.failed, ['terminated'])
    assert.equal(harness.sent.length, 1)
  }
})

test('an application server that fails is passed over when its default handling says so (TS 24.229 clause 5.4.3.2)', async () => {
  const harness = withBob()
  harness.register(
    withCriteria(
      ALICE_PROFILE,
      criterion('as1.example.com', DEFAULT_HANDLING_SESSION_CONTINUED, SESSION_CASE_TERMINATING_REGISTERED, 1),
      criterion('as2.example.com', DEFAULT_HANDLING_SESSION_TERMINATED, SESSION_CASE_TERMINATING_REGISTERED, 2),
    ),
    [PHONE],
  )
  const responses = await harness.receive(request('SUBSCRIBE'))
  assert.equal(harness.last.host, 'as1.example.com')
  harness.last.on({ kind: 'failed', reason: 'next-hop-silent' })
  assert.equal(harness.sent.length, 2)
  assert.equal(harness.last.host, 'as2.example.com')
  // As it was before the first: one server's routes do not reach the other.
  assert.equal(harness.last.request.headers.list('Route').length, 2)
  assert.equal(harness.last.request.headers.list('Record-Route').length, 3)
  harness.last.answer(200)
  assert.equal(statusOf(responses), 200)
})

test('a request that an application server gives back goes on behind its criterion (TS 24.229 clause 5.4.3.4)', async () => {
  const harness = withBob()
  harness.register(
    withCriteria(
      BOB_PROFILE,
      criterion('as1.example.com', DEFAULT_HANDLING_SESSION_CONTINUED, SESSION_CASE_ORIGINATING, 1),
      criterion('as2.example.com', DEFAULT_HANDLING_SESSION_CONTINUED, SESSION_CASE_ORIGINATING, 2),
    ),
    [BOB_IMPI],
  )
  harness.register(ALICE_PROFILE, [PHONE])
  const responses = await harness.receive(request('SUBSCRIBE'))
  const atFirst = harness.last
  // The server puts somebody else into its envelope: nobody believes it.
  const presence = { role: 'presence' as const, envelope: { assertedIdentities: [ALICE], impi: PHONE } }
  await harness.receive(givenBack(atFirst), presence)
  assert.equal(harness.last.host, 'as2.example.com')
  assert.deepEqual(harness.last.vouched.assertedIdentities, [BOB])
  await harness.receive(givenBack(harness.last), presence)
  // Both have had their say: the terminating leg begins.
  assert.equal(harness.last.host, PRESENCE_HOST)
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${ALICE}>;sescase=term;regstate=reg`)
  assert.equal(harness.last.request.headers.list('Record-Route').length, 3)
  // What fails behind a server that gave the request back is not its failure.
  atFirst.answer(503)
  assert.equal(statusOf(responses), 503)
  assert.deepEqual(harness.failed, [])
  assert.equal(harness.sent.length, 3)
})

test('a called user’s server that changes the Request-URI ends this user’s chain (TS 24.229 clause 5.4.3.3)', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  const carol = `sip:carol@${REALM}`
  harness.register(profile(carol), [`004@${REALM}` as Impi])
  await harness.receive(request('SUBSCRIBE'))
  await harness.receive(givenBack(harness.last, { uri: carol }), { role: 'presence' })
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${parseImpu(carol)}>;sescase=term;regstate=reg`)
})

test('a called user who diverts is served once more, as one who originates by diversion (TS 24.229 clause 5.4.3.3, RFC 8498 section 4)', async () => {
  const harness = withBob()
  const { SESSION_CASE_ORIGINATING_CDIV } = SessionCase
  harness.register(
    withCriteria(
      ALICE_PROFILE,
      criterion('as1.example.com', DEFAULT_HANDLING_SESSION_TERMINATED, SESSION_CASE_TERMINATING_REGISTERED, 1),
      criterion('as2.example.com', DEFAULT_HANDLING_SESSION_TERMINATED, SESSION_CASE_ORIGINATING_CDIV, 2),
    ),
    [PHONE],
  )
  const carol = `sip:carol@${REALM}`
  harness.register(profile(carol), [`004@${REALM}` as Impi])
  await harness.receive(request('SUBSCRIBE'))
  await harness.receive(givenBack(harness.last, { uri: carol }), { role: 'presence' })
  assert.equal(harness.last.host, 'as2.example.com')
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${ALICE}>;orig-cdiv`)
  // The caller stays who he is, and a further change of the target begins nothing anew.
  assert.deepEqual(harness.last.vouched.assertedIdentities, [BOB])
  await harness.receive(givenBack(harness.last), { role: 'presence' })
  assert.equal(harness.last.host, PRESENCE_HOST)
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${parseImpu(carol)}>;sescase=term;regstate=reg`)
})

test('a 1xx of an application server stops default handling, whatever it says later (TS 24.229 clause 5.4.3.2)', async () => {
  const harness = withBob()
  harness.register(
    withCriteria(
      ALICE_PROFILE,
      criterion('as1.example.com', DEFAULT_HANDLING_SESSION_CONTINUED, SESSION_CASE_TERMINATING_REGISTERED, 1),
    ),
    [PHONE],
  )
  const responses = await harness.receive(request('SUBSCRIBE'))
  harness.last.answer(183)
  harness.last.answer(503)
  assert.deepEqual(
    responses.map(({ status }) => status),
    [183, 503],
  )
  assert.deepEqual(harness.failed, [])
})

test('a criterion on a session description looks into multipart bodies, and a body that cannot be read has none', async () => {
  const sdp = 'v=0\r\nm=audio 49170 RTP/AVP 0\r\n'
  const rows: [contentType: string, body: string, isMet: boolean][] = [
    ['application/sdp', sdp, true],
    ['multipart/mixed;boundary=b', `--b\r\nContent-Type: application/sdp\r\n\r\n${sdp}\r\n--b--`, true],
    ['text/plain', sdp, false],
    ['multipart/mixed', sdp, false],
  ]
  for (const [contentType, body, isMet] of rows) {
    const harness = withBob()
    const audio = criterion(
      'as1.example.com',
      DEFAULT_HANDLING_SESSION_TERMINATED,
      SESSION_CASE_TERMINATING_REGISTERED,
      1,
    )
    const [spt] = audio.triggerPoint?.spt ?? []
    assert.ok(spt)
    spt.trigger = { $case: 'sessionDescription', value: { line: 'm', content: '^audio' } }
    harness.register(withCriteria(ALICE_PROFILE, audio), [PHONE])
    const invite = request('INVITE', { event: 'none', headers: [['Content-Type', contentType]] })
    await harness.receive({ ...invite, body: Buffer.from(body) })
    assert.equal(harness.last.host === 'as1.example.com', isMet, contentType)
  }
})

test('an original dialog identifier that is unknown, used up or guessed opens nothing', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  await harness.receive(request('SUBSCRIBE'))
  const { last } = harness
  // From anybody but an application server it is no way in.
  assert.equal(statusOf(await harness.receive(givenBack(last))), 403)
  last.answer(200)
  assert.equal(statusOf(await harness.receive(givenBack(last), { role: 'presence' })), 403)
  assert.deepEqual(harness.refusals, ['no-service-route', 'not-in-dialog'])
})

test('a next hop that is away or silent is told as such, a 503 with Retry-After', async () => {
  for (const [reason, status] of [
    ['next-hop-away', 503],
    ['next-hop-full', 503],
    ['next-hop-silent', 408],
    ['next-hop-garbled', 502],
  ] as const) {
    const harness = withBob()
    const route = [`<sip:dialog-orig@${SCSCF_HOST};lr>`, `<sip:token@${PCSCF_HOST};lr>`]
    const responses = await harness.receive(request('NOTIFY', { route, toTag: 'x' }), { role: 'presence' })
    harness.last.on({ kind: 'failed', reason })
    assert.equal(statusOf(responses), status)
    assert.equal(responses[0]?.headers.has('Retry-After'), status === 503)
  }
})

test('a request of a user whom another replica serves is brought there as it came', async () => {
  const harness = withBob()
  harness.away.add(BOB)
  await harness.receive(request('SUBSCRIBE'))
  const [brought] = harness.brought
  assert.equal(brought?.impu, BOB)
  assert.equal(brought.leg, undefined)
  assert.equal(harness.sent.length, 0)
})

test('a leg for a user whom another replica serves goes on there, with what was asserted here', async () => {
  const harness = withBob()
  harness.away.add(ALICE)
  const responses = await harness.receive(request('SUBSCRIBE'))
  const [brought] = harness.brought
  assert.ok(brought?.leg)
  assert.equal(brought.impu, ALICE)
  assert.deepEqual(brought.leg.vouched.assertedIdentities, [BOB])
  const { headers } = brought.leg.request
  assert.deepEqual(headers.getAll('P-Asserted-Identity'), [`<${BOB}>`])
  // The originating leg is recorded, and its route is used up.
  assert.equal(headers.list('Record-Route')[0], `<sip:dialog-orig@${SCSCF_HOST};lr>`)
  assert.ok(!headers.has('Route'))
  brought.leg.on({ kind: 'failed', reason: 'partition-moving' })
  assert.equal(statusOf(responses), 503)
})

test('from another replica that leg is one of an S-CSCF: terminating procedures, and nothing else', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  const route = [`<sip:term@${SCSCF_HOST};lr>`]
  const envelope = { ...bobsEnvelope(), impi: '', forwarded: true, forwardedRole: 'scscf' }
  await harness.receive(request('SUBSCRIBE', { route }), { role: 'scscf', envelope })
  assert.equal(harness.last.request.headers.get('P-Served-User'), `<${ALICE}>;sescase=term;regstate=reg`)
  await harness.receive(request('SUBSCRIBE', { route: [`<sip:orig@${SCSCF_HOST};lr>`] }), { role: 'scscf', envelope })
  assert.deepEqual(harness.refusals, ['peer-role'])
})

test('an original dialog identifier leads to the replica that remembers it; of a lost one it is refused', async () => {
  const harness = withBob()
  const give = (replica: string) =>
    harness.receive(request('SUBSCRIBE', { route: [`<sip:odi-0123-${replica}@${SCSCF_HOST};lr>`] }), {
      role: 'presence',
    })
  harness.replicas.add('scscf-1')
  await give('scscf-1')
  assert.equal(harness.brought.length, 1)
  assert.equal(statusOf(await give('scscf-2')), 403)
  assert.deepEqual(harness.refusals, ['not-in-dialog'])
})

test('who turns out to be of another partition is looked for there, once', async () => {
  const harness = withBob()
  harness.locate = async () => ({ kind: 'unregistered', canonicalImpu: ALICE, profile: ALICE_PROFILE })
  harness.owned = (canonicalImpu) => canonicalImpu !== ALICE
  const responses = await harness.receive(request('SUBSCRIBE', { uri: ALICE_TEL }))
  assert.deepEqual(harness.learnt, [`${ALICE_TEL} ${ALICE}`, `${ALICE_TEL} ${ALICE}`])
  assert.deepEqual(harness.refusals, ['not-served-here'])
  assert.equal(statusOf(responses), 503)
})

test('a request that an application server gave back is not delivered by who no longer owns the user', async () => {
  const harness = withBob()
  harness.register(ALICE_PROFILE, [PHONE])
  await harness.receive(request('SUBSCRIBE'))
  const back = givenBack(harness.last)
  harness.away.add(ALICE)
  const responses = await harness.receive(back, { role: 'presence' })
  assert.deepEqual(harness.refusals, ['not-served-here'])
  assert.equal(statusOf(responses), 503)
})
