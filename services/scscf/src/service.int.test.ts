import assert from 'node:assert/strict'
import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { Secret, systemRandom } from '@rollcall/core'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createRequest, parseAuth, type SipRequest, type SipResponse } from '@rollcall/sip'
import { FakeUe } from './testing/fake-ue.ts'
import { ALICE, ALICE_TEL, BOB, BOB_IMPI, PCSCF_HOST, PHONE, REALM, SCSCF_HOST, TABLET } from './testing/fixtures.ts'
import { ScscfStack, until } from './testing/scscf-stack.ts'

const SERVER_NAME = `sip:${SCSCF_HOST}`

let stack: ScscfStack
const phone = createUe(PHONE, ALICE, '127.1.6.11')
const tablet = createUe(TABLET, ALICE, '127.1.6.12')
const bob = createUe(BOB_IMPI, BOB, '127.1.6.13')

function createUe(impi: string, impu: string, address: string): FakeUe {
  return new FakeUe({ impi, impu, address, k: systemRandom.bytes(16), opc: systemRandom.bytes(16) })
}

function secretsOf({ impi, keys }: FakeUe): { impi: string; k: Buffer; opc: Buffer } {
  return { impi, k: keys.k.reveal(), opc: keys.opc.reveal() }
}

before(async () => {
  stack = await ScscfStack.start('127.1.6.2')
  await stack.provision('alice', [ALICE, ALICE_TEL], [secretsOf(phone), secretsOf(tablet)])
  await stack.provision('bob', [BOB], [secretsOf(bob)])
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

function envelopeOf(ue: FakeUe): Partial<Envelope> {
  return {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: ue.impi,
    assertedIdentities: [ue.impu],
  }
}

let serial = 0

/** A request of `ue` as the P-CSCF sends it on. */
function request(
  method: string,
  ue: FakeUe,
  uri: string,
  changes: { route?: string[]; toTag?: string } = {},
): SipRequest {
  const id = ++serial
  const tag = changes.toTag === undefined ? '' : `;tag=${changes.toTag}`
  return createRequest(method, uri, [
    ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKp${id}`],
    ['Via', `SIP/2.0/UDP ${ue.address}:15066;branch=z9hG4bKu${id}`],
    ...(changes.route ?? [`<sip:orig@${SCSCF_HOST};lr>`]).map((value) => ['Route', value] as const),
    ['Max-Forwards', '69'],
    ['From', `<${ue.impu}>;tag=f${id}`],
    ['To', `<${uri}>${tag}`],
    ['Call-ID', `call-${id}`],
    ['CSeq', `1 ${method}`],
    ['Event', 'presence'],
    ['Contact', `<sip:${ue.address}:15066>`],
  ])
}

function valuesOf(response: SipResponse, name: string): string[] {
  return response.headers.list(name)
}

test('a UE registers by IMS AKA: 401 with the keys for the P-CSCF, 200 with route and identities (TS 24.229 clause 5.4.1)', async () => {
  const challenge = await stack.register(phone)
  assert.equal(challenge.status, 401)
  const { params } = parseAuth(challenge.headers.get('WWW-Authenticate') ?? '')
  assert.match(params.get('ck')?.value ?? '', /^[0-9a-f]{32}$/)
  assert.match(params.get('ik')?.value ?? '', /^[0-9a-f]{32}$/)
  // Before it has proven itself the HSS has stored nothing.
  assert.equal(await stack.serverOf('alice'), '')
  const authorization = phone.answer(challenge)
  const response = await stack.register(phone, { isProtected: true, authorization })
  assert.equal(response.status, 200)
  assert.match(valuesOf(response, 'Contact')[0] ?? '', /<sip:127\.1\.6\.11:15066>.*;expires=600000$/)
  assert.deepEqual(valuesOf(response, 'Service-Route'), [`<sip:orig@${SCSCF_HOST};lr>`])
  assert.deepEqual(valuesOf(response, 'P-Associated-URI'), [`<${ALICE}>`, `<${ALICE_TEL}>`])
  assert.equal(valuesOf(response, 'Path').length, 1)
  assert.deepEqual(await stack.registrations(), [PHONE])
  assert.equal(await stack.serverOf('alice'), SERVER_NAME)
})

test('the second IMPI of the set registers beside the first, and each re-registration runs AKA again', async () => {
  const response = await stack.registerFully(tablet)
  assert.equal(response.status, 200)
  assert.equal(valuesOf(response, 'Contact').length, 2)
  assert.deepEqual(await stack.registrations(), [PHONE, TABLET])
  const challenge = await stack.register(tablet, { isProtected: true })
  assert.equal(challenge.status, 401)
  const again = await stack.register(tablet, { isProtected: true, authorization: tablet.answer(challenge) })
  assert.equal(again.status, 200)
  assert.deepEqual(await stack.registrations(), [PHONE, TABLET])
})

test('a wrong RES is 403 and leaves the registration as it is (TS 24.229 clause 5.4.1.2.3)', async () => {
  const before = await stack.metric('rollcall_scscf_refused_total{reason="wrong-res"}')
  const challenge = await stack.register(phone, { isProtected: true })
  const authorization = phone.answer(challenge, { res: new Secret(Buffer.alloc(8)) })
  const refused = await stack.register(phone, { isProtected: true, authorization })
  assert.equal(refused.status, 403)
  assert.equal(await stack.metric('rollcall_scscf_refused_total{reason="wrong-res"}'), before + 1)
  assert.ok(
    (await stack.metric('rollcall_audit_events_total{event="auth.failure",outcome="failed",reason="wrong-res"}')) >= 1,
  )
  assert.deepEqual(await stack.registrations(), [PHONE, TABLET])
  assert.equal(await stack.serverOf('alice'), SERVER_NAME)
  // The right one afterwards is too late for that challenge: it gets another.
  assert.equal((await stack.register(phone, { isProtected: true, authorization })).status, 401)
})

test('an ISIM that is ahead resynchronises by AUTS, without protection and without a response (TS 33.102 clause 6.3.5)', async () => {
  bob.state = { sqnArray: bob.state.sqnArray.map(() => 9_000n) }
  const challenge = await stack.register(bob)
  assert.equal(challenge.status, 401)
  const authorization = bob.answer(challenge)
  assert.ok(authorization.auts)
  const again = await stack.register(bob, { authorization })
  assert.equal(again.status, 401)
  const response = await stack.register(bob, { isProtected: true, authorization: bob.answer(again) })
  assert.equal(response.status, 200)
  assert.ok(
    (await stack.metric(
      'rollcall_audit_events_total{event="auth.challenge",outcome="allowed",reason="resynchronisation"}',
    )) >= 1,
  )
})

test('who the HSS does not know, or who asks for another’s identity, is 403 (TS 29.228 annex A)', async () => {
  const stranger = createUe(`001010000000099@${REALM}`, `sip:stranger@${REALM}`, '127.1.6.19')
  assert.equal((await stack.register(stranger)).status, 403)
  const thief = createUe(BOB_IMPI, ALICE, '127.1.6.19')
  assert.equal((await stack.register(thief)).status, 403)
  const other = createUe(PHONE, BOB, '127.1.6.19')
  assert.equal((await stack.register(other, { isProtected: true })).status, 403)
  assert.ok((await stack.metric('rollcall_scscf_refused_total{reason="identities-dont-match"}')) >= 2)
  assert.ok((await stack.metric('rollcall_audit_events_total{event="identity.refused"')) >= 3)
})

test('an unprotected REGISTER ends nothing: whoever sent it is challenged (TS 33.203 clause 7.4.2)', async () => {
  const forged = await stack.register(tablet, { expires: 0, port: 23_456 })
  assert.equal(forged.status, 401)
  assert.deepEqual(await stack.registrations(), [PHONE, TABLET, BOB_IMPI].sort())
})

test('an extension that is unknown is 420 (RFC 3261 section 8.2.2.3)', async () => {
  const { request: sip } = phone.register()
  sip.headers.set('Require', 'path, sec-agree')
  const response = await stack.send(sip, {})
  assert.equal(response.status, 420)
  assert.equal(response.headers.get('Unsupported'), 'sec-agree')
})

test('a SUBSCRIBE goes to the presence server, with its watcher in the envelope, and its answer comes back', async () => {
  const response = await stack.send(request('SUBSCRIBE', bob, ALICE_TEL), envelopeOf(bob))
  assert.equal(response.status, 200)
  assert.match(valuesOf(response, 'Via')[0] ?? '', new RegExp(PCSCF_HOST))
  const got = stack.received.presence.at(-1)
  assert.ok(got)
  assert.deepEqual(got.envelope.assertedIdentities, [BOB])
  assert.equal(got.envelope.impi, '')
  assert.equal(got.envelope.accessSecurity, AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN)
  assert.equal(got.request.headers.get('P-Served-User'), `<${ALICE_TEL}>;sescase=term;regstate=reg`)
  assert.deepEqual(got.request.headers.list('Record-Route'), [
    `<sip:dialog-term@${SCSCF_HOST};lr>`,
    `<sip:dialog-orig@${SCSCF_HOST};lr>`,
  ])
})

test('a NOTIFY of the presence server walks the recorded route to the P-CSCF', async () => {
  const route = [
    `<sip:dialog-term@${SCSCF_HOST};lr>`,
    `<sip:dialog-orig@${SCSCF_HOST};lr>`,
    `<sip:token@${PCSCF_HOST};lr>`,
  ]
  const notify = request('NOTIFY', bob, 'sip:127.1.6.13:15066', { route, toTag: 'x' })
  const response = await stack.send(notify, {}, 'presence')
  assert.equal(response.status, 200)
  const got = stack.received.pcscf.at(-1)
  assert.equal(got?.request.method, 'NOTIFY')
  assert.deepEqual(got?.request.headers.list('Route'), [`<sip:token@${PCSCF_HOST};lr>`])
  assert.equal(got?.envelope.accessSecurity, AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN)
})

test('who may not send gets 403: by role, by registration, by identity', async () => {
  const rows: [SipRequest, Partial<Envelope>, 'pcscf' | 'presence'][] = [
    [request('SUBSCRIBE', bob, ALICE), envelopeOf(bob), 'presence'],
    [request('SUBSCRIBE', bob, ALICE, { route: [] }), envelopeOf(bob), 'pcscf'],
    [request('SUBSCRIBE', bob, ALICE), {}, 'pcscf'],
    [request('SUBSCRIBE', bob, ALICE), { ...envelopeOf(bob), impi: PHONE }, 'pcscf'],
    [request('PUBLISH', bob, ALICE), { ...envelopeOf(bob), assertedIdentities: [`sip:mallory@${REALM}`] }, 'pcscf'],
    [phone.register().request, {}, 'presence'],
  ]
  for (const [sip, envelope, role] of rows) assert.equal((await stack.send(sip, envelope, role)).status, 403)
})

test('a presence server that is away is 503 with Retry-After; one that is silent 408', async () => {
  await stack.stopNode('presence')
  const away = await stack.send(request('SUBSCRIBE', bob, ALICE), envelopeOf(bob))
  assert.equal(away.status, 503)
  assert.ok(away.headers.has('Retry-After'))
  await stack.startNode('presence', 17_003)
  stack.status = undefined
  await until(
    async () =>
      (await stack.send(request('SUBSCRIBE', bob, ALICE), { ...envelopeOf(bob), deadlineMs: 1_000 })).status === 408,
    'a silent presence server is 408',
  )
  stack.status = 200
})

test('while the HSS is away REGISTER is 503, and what is established goes on', async () => {
  const unregistered = request('SUBSCRIBE', bob, ALICE)
  assert.equal((await stack.send(unregistered, envelopeOf(bob))).status, 200)
  await stack.stopHss()
  const register = await stack.register(phone)
  assert.equal(register.status, 503)
  assert.match(register.headers.get('Retry-After') ?? '', /^\d+$/)
  assert.equal((await stack.send(request('SUBSCRIBE', bob, ALICE), envelopeOf(bob))).status, 200)
  assert.equal((await stack.send(request('PUBLISH', phone, ALICE), envelopeOf(phone))).status, 200)
  await stack.startHss()
  await until(async () => (await stack.registerFully(phone)).status === 200, 'the HSS is back')
})

test('malformed SIP is 400 where it can be answered, and is counted', async () => {
  const noTag = request('SUBSCRIBE', bob, ALICE)
  noTag.headers.set('From', `<${BOB}>`)
  assert.equal((await stack.send(noTag, envelopeOf(bob))).status, 400)
  const badRoute = request('SUBSCRIBE', bob, ALICE, { route: ['<not a uri>'] })
  assert.equal((await stack.send(badRoute, envelopeOf(bob))).status, 400)
  assert.ok((await stack.metric('rollcall_scscf_refused_total{reason="malformed"}')) >= 2)
})

test('after a restart registrations are there, and a retransmitted REGISTER gets the same answer', async () => {
  const challenge = await stack.register(tablet, { isProtected: true })
  const message = tablet.register({ isProtected: true, authorization: tablet.answer(challenge) })
  const first = await stack.send(message.request, message.envelope)
  assert.equal(first.status, 200)
  await stack.stopScscf()
  await stack.startScscf()
  assert.deepEqual(await stack.registrations(), [PHONE, TABLET, BOB_IMPI].sort())
  const second = await stack.send(message.request, message.envelope)
  assert.deepEqual([...second.headers.entries()], [...first.headers.entries()])
  assert.equal((await stack.send(request('SUBSCRIBE', bob, ALICE), envelopeOf(bob))).status, 200)
})

test('while NATS is away REGISTER is 503, without a lease every leg is, and dialogs go on; then all goes on by itself', async () => {
  await stack.store.server.kill('SIGKILL')
  await until(() => stack.scscf?.ready().ready === false, 'the S-CSCF is not ready')
  const challenge = await stack.register(phone)
  assert.equal(challenge.status, 503)
  await until(async () => (await stack.metric('rollcall_scscf_lease_live')) === 0, 'the lease has ended')
  // Somebody else may have de-registered her by now.
  const refused = await stack.send(request('SUBSCRIBE', bob, ALICE), envelopeOf(bob))
  assert.equal(refused.status, 503)
  assert.match(refused.headers.get('Retry-After') ?? '', /^\d+$/)
  assert.ok((await stack.metric('rollcall_scscf_refused_total{reason="lease-ended"}')) >= 1)
  const route = [`<sip:dialog-term@${SCSCF_HOST};lr>`, `<sip:token@${PCSCF_HOST};lr>`]
  const notify = request('NOTIFY', bob, 'sip:127.1.6.13:15066', { route, toTag: 'x' })
  assert.equal((await stack.send(notify, {}, 'presence')).status, 200)
  await stack.store.server.restart()
  await until(() => stack.scscf?.ready().ready === true, 'the S-CSCF is ready again')
  assert.equal((await stack.send(request('SUBSCRIBE', bob, ALICE), envelopeOf(bob))).status, 200)
  await until(async () => (await stack.registerFully(phone)).status === 200, 'the phone registers')
})

test('de-registration over the association ends that contact alone, the last one the registration (TS 24.229 clause 5.4.1.4)', async () => {
  const response = await stack.register(phone, { isProtected: true, expires: 0 })
  assert.equal(response.status, 200)
  assert.deepEqual(await stack.registrations(), [TABLET, BOB_IMPI].sort())
  assert.equal(await stack.serverOf('alice'), SERVER_NAME)
  assert.equal((await stack.send(request('PUBLISH', phone, ALICE), envelopeOf(phone))).status, 403)
  assert.equal((await stack.register(tablet, { isProtected: true, expires: 0 })).status, 200)
  assert.equal(await stack.serverOf('alice'), '')
  // Nobody is there: the presence server serves her all the same.
  assert.equal((await stack.send(request('SUBSCRIBE', bob, ALICE), envelopeOf(bob))).status, 200)
  const got = stack.received.presence.at(-1)
  assert.equal(got?.request.headers.get('P-Served-User'), `<${ALICE}>;sescase=term;regstate=unreg`)
})

test('a presentity who is not registered is served on while the HSS is away', async () => {
  await stack.stopHss()
  assert.equal((await stack.send(request('SUBSCRIBE', bob, ALICE), envelopeOf(bob))).status, 200)
  const unknown = () => request('SUBSCRIBE', bob, `sip:nobody@${REALM}`)
  assert.equal((await stack.send(unknown(), envelopeOf(bob))).status, 503)
  await stack.startHss()
  await until(async () => (await stack.send(unknown(), envelopeOf(bob))).status === 404, 'the HSS is reached again')
})

test('a registration ends with its time, and the HSS hears of it', async () => {
  assert.equal((await stack.registerFully(phone, { expires: 1 })).status, 200)
  await until(async () => !(await stack.registrations()).includes(PHONE), 'the registration has run out')
  await until(async () => (await stack.serverOf('alice')) === '', 'the HSS knows')
  assert.ok(
    (await stack.metric(
      'rollcall_audit_events_total{event="registration.ended",outcome="allowed",reason="expired"}',
    )) >= 1,
  )
})

test('an unknown presentity is 404, one of another domain too', async () => {
  assert.equal((await stack.send(request('SUBSCRIBE', bob, `sip:nobody@${REALM}`), envelopeOf(bob))).status, 404)
  assert.equal(
    (await stack.send(request('SUBSCRIBE', bob, 'sip:alice@elsewhere.example'), envelopeOf(bob))).status,
    404,
  )
})

test('no key is in the log, in the metrics or in any file of the store', async () => {
  const challenge = await stack.register(phone)
  const { params } = parseAuth(challenge.headers.get('WWW-Authenticate') ?? '')
  const authorization = phone.answer(challenge)
  assert.equal((await stack.register(phone, { isProtected: true, authorization })).status, 200)
  const texts: Buffer[] = [Buffer.from(stack.log), Buffer.from((await stack.scscfRuntime?.metrics.expose()) ?? '')]
  for await (const file of glob('**/*', { cwd: stack.store.storeDir, withFileTypes: true })) {
    if (file.isFile()) texts.push(await readFile(join(file.parentPath, file.name)))
  }
  assert.ok(stack.log.includes('"audit":true'))
  const hidden = ['ck', 'ik'].map((name) => Buffer.from(params.get(name)?.value ?? 'missing', 'hex'))
  for (const secret of [
    ...hidden,
    ...[phone, tablet, bob].flatMap(({ keys }) => [keys.k.reveal(), keys.opc.reveal()]),
  ]) {
    assert.equal(secret.length, 16)
    for (const form of [secret, Buffer.from(secret.toString('hex')), Buffer.from(secret.toString('base64'))]) {
      for (const text of texts) assert.ok(!text.includes(form))
    }
  }
  assert.ok(!stack.log.includes(PHONE) && !stack.log.includes(ALICE))
})
