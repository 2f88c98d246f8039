import assert from 'node:assert/strict'
import test from 'node:test'
import { parseAuth, serializeMessage } from '@rollcall/sip'
import {
  ALICE,
  ALICE_IMPI,
  BOB,
  BOB_IMPI,
  CK,
  DOMAIN,
  FIRST_END,
  HOST,
  IK,
  NONCE,
  register,
  SECOND_END,
  SERVICE_ROUTE,
  securityClient,
  subscribe,
  THIRD_END,
  UE,
} from '../testing/messages.ts'
import { challengeHeader, grantHeaders, Rig } from '../testing/rig.ts'

const OFFER: [string, string] = ['Security-Client', securityClient(FIRST_END)]

test('SM1 goes on with integrity-protected="no", Path, visited network and charging vector, without sec-agree (TS 24.229 clause 5.2.2.2)', () => {
  const rig = new Rig()
  rig.unprotected(
    register({
      authorization: 'nonce="",response="",integrity-protected="yes"',
      headers: [
        OFFER,
        ['Path', '<sip:evil@elsewhere;lr>'],
        ['P-Visited-Network-ID', 'evil'],
        ['P-Charging-Vector', 'icid-value=evil'],
        ['P-Asserted-Identity', `<${BOB}>`],
        ['P-Access-Network-Info', '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=x'],
        ['Route', '<sip:127.0.0.1:15060;lr>'],
      ],
    }),
  )
  const { host, request, envelope } = rig.coreRequest
  const { headers } = request
  assert.equal(host, DOMAIN)
  assert.equal(parseAuth(headers.get('Authorization') ?? '').params.get('integrity-protected')?.value, 'no')
  assert.equal(headers.getAll('Path').length, 1)
  assert.match(headers.get('Path') ?? '', new RegExp(`^<sip:[A-Za-z0-9_-]{48}@${HOST};lr>$`))
  assert.equal(headers.get('Require'), 'path')
  assert.equal(headers.get('Proxy-Require'), undefined)
  assert.equal(headers.get('Security-Client'), undefined)
  assert.equal(headers.get('P-Visited-Network-ID'), DOMAIN)
  assert.match(headers.get('P-Charging-Vector') ?? '', /^icid-value=[0-9a-f]{32};icid-generated-at=.*;orig-ioi=/)
  for (const name of ['P-Asserted-Identity', 'P-Access-Network-Info', 'Route']) assert.ok(!headers.has(name), name)
  assert.equal(headers.get('Max-Forwards'), '69')
  assert.match(headers.getAll('Via')[0] ?? '', new RegExp(`^SIP/2.0/TLS ${HOST};branch=z9hG4bK`))
  assert.match(headers.getAll('Via')[1] ?? '', /;rport=15060;received=127\.0\.1\.1|;received=127\.0\.1\.1.*rport=15060/)
  assert.equal(envelope.impi, '')
  assert.equal(envelope.accessSecurity, 1)
})

test('the 401 reaches the UE without ck and ik, with our whole list; its keys make the temporary set (mistakes 5, 6)', async () => {
  const rig = new Rig()
  const set = await rig.challenge()
  assert.deepEqual(rig.last.flow, { kind: 'unprotected', address: UE, port: 15_060 })
  assert.equal(rig.answer.status, 401)
  assert.equal(rig.answer.headers.get('Supported'), 'sec-agree')
  const text = JSON.stringify([...rig.answer.headers.entries()])
  assert.doesNotMatch(text, new RegExp(`${CK}|${IK}|[ci]k=`))
  assert.equal(set.state, 'temporary')
  assert.equal(set.origin, undefined)
  const { local } = set
  const ends = `spi-c=${local.spiC};spi-s=${local.spiS};port-c=${local.portC};port-s=15064`
  assert.equal(
    rig.securityServer,
    `ipsec-3gpp;q=0.2;prot=esp;mod=UDP-enc-tun;${ends};alg=hmac-sha-1-96;ealg=aes-cbc, ` +
      `ipsec-3gpp;q=0.1;prot=esp;mod=UDP-enc-tun;${ends};alg=hmac-sha-1-96;ealg=null`,
  )
  assert.equal(rig.installed.get(set.id)?.keys.integrityKey.reveal().toString('hex').slice(0, 32), IK)
  assert.equal(rig.installed.get(set.id)?.keys.encryptionKey.reveal().toString('hex'), CK)
})

test('with the setting, Security-Server lists the chosen pair alone', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_SECURITY_SERVER_LIST: 'chosen' })
  await rig.challenge()
  assert.doesNotMatch(rig.securityServer, /,/)
  assert.match(rig.securityServer, /ealg=aes-cbc$/)
})

test('a 401 without ck or ik is not passed on: 500 and no set (TS 24.229 clause 5.2.2.2)', async () => {
  for (const params of [`ck="${CK}"`, `ik="${IK}"`, `ck="${CK}",ik="${IK.slice(2)}"`, '']) {
    const rig = new Rig()
    rig.unprotected(register({ headers: [OFFER] }))
    const more = params === '' ? '' : `,${params}`
    rig.coreRequest.respond(401, [['WWW-Authenticate', `Digest realm="x",nonce="${NONCE}",algorithm=AKAv1-MD5${more}`]])
    await rig.settle()
    assert.equal(rig.answer.status, 500)
    assert.equal(rig.installed.size, 0)
    assert.equal(rig.context.attempts.size, 0)
    assert.equal(rig.refusals('challenge-without-keys'), 1)
  }
})

test('SM7 goes on with integrity-protected="yes" and the IMPI of its set, and its 200 comes back in the new set (TS 24.229 clause 5.2.2.2)', async () => {
  const rig = new Rig()
  const temporary = await rig.challenge()
  rig.answerChallenge(temporary)
  const { request, envelope } = rig.coreRequest
  assert.equal(parseAuth(request.headers.get('Authorization') ?? '').params.get('integrity-protected')?.value, 'yes')
  assert.equal(envelope.impi, ALICE_IMPI)
  assert.equal(envelope.accessSecurity, 3)
  assert.ok(!request.headers.has('Security-Verify'))
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.answer.status, 200)
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: temporary.id })
  assert.ok(rig.answer.headers.has('Service-Route') && !rig.answer.headers.has('P-Charging-Vector'))
  const set = rig.newestSet()
  assert.equal(`${set.state} ${set.isInUse}`, 'established true')
  const [change] = rig.changes
  assert.equal(change?.kind, 'contact-bound')
  assert.equal(rig.context.attempts.size, 0)
  const audited = rig.audits.map(({ event, outcome }) => `${event} ${outcome}`)
  assert.deepEqual(audited, ['auth.challenge allowed', 'sa.established allowed'])
})

test('SM7 without a response is passed on as unprotected, and a 200 to it is not believed (TS 24.229 clause 5.2.2.2; mistake 13)', async () => {
  const rig = new Rig()
  rig.answerChallenge(await rig.challenge(), { authorization: `nonce="${NONCE}",response=""` })
  const authorization = parseAuth(rig.coreRequest.request.headers.get('Authorization') ?? '')
  assert.equal(authorization.params.get('integrity-protected')?.value, 'no')
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.answer.status, 500)
  assert.equal(rig.context.contacts.size, 0)
})

test('a 200 to an unprotected REGISTER is not believed', async () => {
  const rig = new Rig()
  rig.unprotected(register({ headers: [OFFER] }))
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.answer.status, 500)
  assert.equal(rig.refusals('success-unproven'), 1)
})

test('whether a REGISTER is initial is told by how it came, not by a port number (mistake 4)', async () => {
  const rig = new Rig()
  await rig.register({ source: { address: UE, port: 49_152 } })
  assert.equal(rig.newestSet().state, 'established')
  rig.unprotected(register({ callId: 'again', headers: [OFFER] }), { address: UE, port: 15_064 })
  const authorization = parseAuth(rig.coreRequest.request.headers.get('Authorization') ?? '')
  assert.equal(authorization.params.get('integrity-protected')?.value, 'no')
})

test('a Security-Verify that differs ends the registration with 494 and the unmodified list, where it began (TS 33.203 clause 7.3.2.3)', async () => {
  const rig = new Rig()
  const set = await rig.challenge()
  rig.answerChallenge(set, { verify: rig.securityServer.replace('ealg=aes-cbc', 'ealg=null') })
  assert.equal(rig.answer.status, 494)
  assert.equal(rig.answer.headers.get('Security-Server'), rig.securityServer)
  assert.equal(rig.last.flow.kind, 'unprotected')
  assert.equal(rig.coreRequests.length, 1)
  assert.equal(rig.refusals('security-verify-mismatch'), 1)
  assert.equal(rig.newestSet().state, 'closing')
})

test('a Security-Client that differs from that of SM1 ends the registration (TS 33.203 clause 7.2; mistake 12)', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_SECURITY_MISMATCH_STATUS: '403' })
  rig.answerChallenge(await rig.challenge(), { end: { ...FIRST_END, spiS: 2223 } })
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.refusals('security-client-mismatch'), 1)
})

test('SM7 without Security-Verify is answered 400 (TS 24.229 clause 5.2.2.2)', async () => {
  const rig = new Rig()
  const set = await rig.challenge()
  rig.protected(
    set,
    register({
      via: `SIP/2.0/UDP ${UE}:15064`,
      cseq: 2,
      authorization: `nonce="${NONCE}",response="x"`,
      headers: [OFFER],
    }),
  )
  assert.equal(rig.answer.status, 400)
})

test('SM7 of another private identity than the challenged one is refused with 403 and audited (TS 24.229 clause 5.2.2.2)', async () => {
  const rig = new Rig()
  rig.answerChallenge(await rig.challenge(), { impi: BOB_IMPI })
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.coreRequests.length, 1)
  assert.ok(rig.audits.some(({ event, reason }) => event === 'identity.refused' && reason === 'impi-mismatch'))
})

test('SM7 with another Call-ID than SM1 is refused with 403 (TS 33.203 clause 7.3, TS 24.229 clause 5.4.1.2.2)', async () => {
  const rig = new Rig()
  rig.answerChallenge(await rig.challenge(), { callId: 'another' })
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.refusals('call-id-mismatch'), 1)
})

test('a protected REGISTER whose Via names another address, or that has two, is refused with 403 (TS 33.203 clause 7.1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(set, register({ via: 'SIP/2.0/UDP 127.0.1.9:15064', headers: [OFFER] }))
  assert.equal(rig.answer.status, 403)
  rig.protected(
    set,
    register({ via: `SIP/2.0/UDP ${UE}:15064`, headers: [['Via', 'SIP/2.0/UDP 127.0.1.9;branch=z9']] }),
  )
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.refusals('via-source-mismatch') + rig.refusals('via-not-alone'), 2)
})

test('the answer to a challenge is taken on its own set alone', async () => {
  const rig = new Rig()
  const set = await rig.register()
  await rig.challenge({ on: set, end: SECOND_END, callId: 'again', cseq: 5, nonce: 'bm9uY2U=' })
  rig.answerChallenge(set, { nonce: 'bm9uY2U=', callId: 'again', cseq: 6, end: SECOND_END })
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.refusals('answer-on-other-set'), 1)
})

test('a re-registration gets its 401 in the old set and its 200 in the new one (TS 33.203 clause 7.4; mistake 15)', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: first.id })
  assert.notEqual(second.local.portC, first.local.portC)
  assert.equal(second.local.portS, first.local.portS)
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6 })
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: second.id })
  const states = rig.context.sets.setsOf(first.impi).map((set) => `${set.state} ${set.isInUse}`)
  assert.deepEqual(states, ['old true', 'established false'])
})

test('an error to SM7 of a re-registration goes out in the old set, also again for a retransmission (TS 33.203 clause 7.4.2a; mistake 15)', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  const answer = { end: SECOND_END, callId: 'again', cseq: 6, branch: 'z9hG4bKsm7' }
  rig.answerChallenge(second, answer)
  rig.coreRequest.respond(403)
  await rig.settle()
  assert.equal(rig.answer.status, 403)
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: first.id })
  const sent = rig.sent.length
  rig.answerChallenge(second, answer)
  assert.equal(rig.sent.length, sent + 1)
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: first.id })
  assert.equal(rig.context.sets.find(first.id)?.state, 'established')
  rig.clock.advance(128_000)
  assert.equal(rig.context.sets.find(second.id), undefined)
})

test('a retransmitted SM1 gets the same 401 from the same port, and the core hears of it once (mistake 15)', async () => {
  const rig = new Rig()
  const sm1 = register({ branch: 'z9hG4bKsame', headers: [OFFER] })
  rig.unprotected(sm1)
  rig.unprotected(sm1)
  assert.equal(rig.coreRequests.length, 1)
  rig.coreRequest.respond(401, [challengeHeader()])
  await rig.settle()
  rig.unprotected(sm1)
  assert.equal(rig.sent.length, 2)
  assert.deepEqual(rig.sent[0]?.message, rig.sent[1]?.message)
  assert.equal(rig.context.sets.setsOf(rig.newestSet().impi).length, 1)
})

test('a new REGISTER of the same attempt takes the temporary set of the one before along (TS 24.229 clause 5.1.1.5.3)', async () => {
  const rig = new Rig()
  const first = await rig.challenge()
  rig.unprotected(
    register({
      cseq: 2,
      authorization: `nonce="${NONCE}",response="",auts="${Buffer.alloc(14).toString('base64')}"`,
      headers: [['Security-Client', securityClient(SECOND_END)]],
    }),
  )
  assert.equal(rig.installed.has(first.id), false)
  rig.coreRequest.respond(401, [challengeHeader('bmV4dA==')])
  await rig.settle()
  assert.equal(rig.newestSet().remote.spiC, SECOND_END.spiC)
  assert.equal(rig.context.attempts.size, 1)
})

test('AUTS reaches the core unprotected, with a response that does not verify, an empty one or none (TS 24.229 clause 5.1.1.5.3; mistake 7: AUTS only behind a good digest)', async () => {
  const auts = Buffer.alloc(14, 3).toString('base64')
  for (const response of [',response="wrong"', ',response=""', '']) {
    const rig = new Rig()
    const set = await rig.challenge()
    const headers: [string, string][] = [['Security-Client', securityClient(SECOND_END)]]
    rig.unprotected(register({ cseq: 2, authorization: `nonce="${NONCE}"${response},auts="${auts}"`, headers }))
    const { params } = parseAuth(rig.coreRequest.request.headers.get('Authorization') ?? '')
    assert.deepEqual([params.get('auts')?.value, params.get('integrity-protected')?.value], [auts, 'no'])
    assert.equal(rig.installed.has(set.id), false)
  }
})

test('MAC failure in the SA: an empty response there is called protected, and makes the next set (TS 24.229 clause 5.1.1.5.3)', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const again = { on: first, end: SECOND_END, callId: 'again', cseq: 5, nonce: 'bm9uY2U=' }
  const second = await rig.challenge(again)
  rig.protected(
    first,
    register({
      via: `SIP/2.0/UDP ${UE}:15064`,
      callId: 'again',
      cseq: 6,
      authorization: 'nonce="bm9uY2U=",response=""',
      headers: [['Security-Client', securityClient(THIRD_END)]],
    }),
  )
  const { params } = parseAuth(rig.coreRequest.request.headers.get('Authorization') ?? '')
  assert.equal(params.get('integrity-protected')?.value, 'yes')
  assert.equal(rig.context.sets.find(second.id), undefined)
  assert.equal(rig.context.sets.find(first.id)?.state, 'established')
})

test('a UE behind a NAT is known by the address of its packet, and learns it from the 401 (TS 24.229 annex F; mistake 22: a UE behind a NAT)', async () => {
  const rig = new Rig()
  const via = 'SIP/2.0/UDP 10.0.0.7:5060'
  const set = await rig.challenge({ via, source: { address: UE, port: 61_000 } })
  assert.equal(set.remote.address, UE)
  assert.deepEqual(rig.last.flow, { kind: 'unprotected', address: UE, port: 61_000 })
  assert.match(rig.answer.headers.get('Via') ?? '', /received=127\.0\.1\.1/)
  assert.match(rig.answer.headers.get('Via') ?? '', /rport=61000/)
  assert.match(rig.securityServer, /mod=UDP-enc-tun/)
  rig.answerChallenge(set)
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.newestSet().state, 'established')
})

test('a whole first REGISTER of a phone, with compact forms, upper case, six offers and what it should not say yet, is taken (TS 24.229 clause 5.1.1.2)', async () => {
  const ends = 'spi-c=768058;spi-s=13710035;port-c=31112;port-s=31113'
  const offers = ['hmac-sha-1-96', 'hmac-md5-96'].flatMap((alg) =>
    ['des-ede3-cbc', 'aes-cbc', 'null'].map(
      (ealg) => `ipsec-3gpp; alg=${alg}; ealg=${ealg}; ${ends}; mod=UDP-enc-tun; prot=esp`,
    ),
  )
  const text = [
    `REGISTER sip:${DOMAIN} SIP/2.0`,
    `v: SIP/2.0/UDP ${UE}:5060;branch=z9hG4bKphone;rport`,
    'MAX-FORWARDS: 70',
    `f: <${ALICE}>;tag=x`,
    `t: <${ALICE}>`,
    'i: phone-call',
    'CSEQ: 1 REGISTER',
    `m: <sip:${UE}:5060>;+sip.instance="<urn:gsma:imei:35-1>";+g.3gpp.icsi-ref="urn%3Aurn-7";audio`,
    'k: path,sec-agree',
    'REQUIRE: SEC-AGREE',
    'Proxy-Require: sec-agree',
    'P-Access-Network-Info: 3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=001010001000019B',
    `security-client: ${offers.slice(0, 2).join(',')}`,
    `Security-Client: ${offers.slice(2, 5).join(' , ')}`,
    `SECURITY-CLIENT: ${offers[5]}, sdes-srtp;mediasec`,
    `Authorization: Digest username="${ALICE_IMPI}",realm="${DOMAIN}",uri="sip:${DOMAIN}",nonce="",response=""`,
    'Expires: 600000',
    'l: 0',
    '',
    '',
  ].join('\r\n')
  const rig = new Rig()
  rig.unprotected(Buffer.from(text))
  const { headers } = rig.coreRequest.request
  for (const name of ['Security-Client', 'P-Access-Network-Info', 'Proxy-Require']) assert.ok(!headers.has(name), name)
  assert.equal(headers.get('Require'), 'path')
  rig.coreRequest.respond(401, [challengeHeader()])
  await rig.settle()
  assert.equal(rig.answer.status, 401)
  const { remote, integrity, encryption } = rig.newestSet()
  assert.deepEqual([integrity, encryption, remote.spiC, remote.portS], ['hmac-sha-1-96', 'aes-cbc', 768_058, 31_113])
})

test('over IPv6 a Via may spell its address another way, and ours stand in brackets (RFC 3261 section 25.1, RFC 5952 section 2)', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_SIP_LISTEN: '[fd00::1]:15060' })
  const source = { address: 'fd00::2', port: 15_060 }
  const set = await rig.challenge({ via: 'SIP/2.0/UDP [fd00::2]:15060', source })
  rig.answerChallenge(set, { via: 'SIP/2.0/UDP [FD00:0:0::2]:15064' })
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.answer.status, 200)
  const route = ['<sip:[fd00:0::1]:15064;lr>', SERVICE_ROUTE]
  rig.protected(set, subscribe({ route }))
  const { headers } = rig.coreRequest.request
  assert.deepEqual(headers.getAll('Route'), [SERVICE_ROUTE])
  assert.equal(headers.getAll('Record-Route')[1], '<sip:[fd00::1]:15064;lr>')
  assert.equal(rig.count('rollcall_pcscf_corrected_total', 'route'), 0)
  rig.protected(set, register({ via: 'SIP/2.0/UDP [fd00::3]:15064', callId: 'other' }))
  assert.equal(rig.answer.status, 403)
})

test('reserved SPIs of a UE are taken, and counted as a warning (RFC 4303 section 2.1)', async () => {
  const rig = new Rig()
  await rig.challenge({ end: { ...FIRST_END, spiC: 1, spiS: 2 } })
  assert.equal(rig.answer.status, 401)
  assert.equal(rig.count('rollcall_pcscf_corrected_total', 'reserved-spi'), 1)
})

test('a re-registration brings SPIs that no SA of the UE has, in either direction (TS 33.203 clause 7.1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  for (const [spiC, spiS] of [
    [FIRST_END.spiC, 9],
    [9, FIRST_END.spiS],
    [set.local.spiC, 9],
    [9, set.local.spiS],
  ] as const) {
    const headers: [string, string][] = [['Security-Client', securityClient({ ...SECOND_END, spiC, spiS })]]
    rig.protected(set, register({ via: `SIP/2.0/UDP ${UE}:15064`, callId: `spi-${spiC}-${spiS}`, headers }))
    assert.equal(rig.answer.status, 400)
  }
  assert.equal(rig.refusals('ue-spi-taken'), 4)
})

test('a challenge in answer to SM7 makes the temporary set anew (TS 24.229 clause 5.4.1.2.2)', async () => {
  const rig = new Rig()
  const first = await rig.challenge()
  rig.answerChallenge(first)
  rig.coreRequest.respond(401, [challengeHeader('bmV4dA==')])
  await rig.settle()
  assert.equal(rig.answer.status, 401)
  const second = rig.newestSet()
  assert.notEqual(second.id, first.id)
  rig.answerChallenge(second, { cseq: 3, nonce: 'bmV4dA==' })
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.newestSet().state, 'established')
})

test('a forged unprotected REGISTER, even one that ends at once, leaves registration and sets alone (TS 33.203 clause 7.4.2)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const attacker = { address: '127.0.1.66', port: 5 }
  rig.unprotected(
    register({ callId: 'forged', expires: 0, headers: [['Security-Client', securityClient(THIRD_END)]] }),
    attacker,
  )
  rig.coreRequest.respond(401, [challengeHeader()])
  await rig.settle()
  rig.clock.advance(240_000)
  assert.equal(rig.context.sets.find(set.id)?.state, 'established')
  assert.equal(rig.context.contacts.size, 1)
})

test('a UE that lost its keys registers anew, and then its earlier sets are gone (TS 24.229 clause 5.2.2.2)', async () => {
  const rig = new Rig()
  const lost = await rig.register()
  const fresh = await rig.register({ callId: 'restarted', end: SECOND_END })
  assert.equal(rig.context.sets.find(lost.id), undefined)
  assert.equal(rig.context.sets.find(fresh.id)?.isInUse, true)
  assert.equal(rig.context.contacts.size, 1)
})

test('a registration without challenge prolongs the set and forgets what it offered (TS 24.229 clause 5.1.1.4.2)', async () => {
  const rig = new Rig()
  const set = await rig.register({ expires: 1_000 })
  rig.clock.advance(500_000)
  rig.protected(
    set,
    register({
      via: `SIP/2.0/UDP ${UE}:15064`,
      cseq: 9,
      callId: 'refresh',
      authorization: `nonce="${NONCE}",response="6629fae49393a05397450978507c4ef1"`,
      headers: [['Security-Client', securityClient(SECOND_END)]],
    }),
  )
  rig.coreRequest.respond(200, grantHeaders({ granted: 1_000 }))
  await rig.settle()
  assert.equal(rig.answer.status, 200)
  assert.equal(rig.context.sets.setsOf(set.impi).length, 1)
  assert.equal(rig.context.sets.find(set.id)?.expiresAtMs, rig.clock.monotonic() + 1_030_000)
  assert.equal(rig.context.attempts.size, 0)
})

test('a challenged re-registration that offered nothing is told to: 421 (TS 24.229 clause 5.2.2.2 3b)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(set, register({ via: `SIP/2.0/UDP ${UE}:15064`, cseq: 9, callId: 'refresh' }))
  rig.coreRequest.respond(401, [challengeHeader()])
  await rig.settle()
  assert.equal(rig.answer.status, 421)
  assert.equal(rig.context.sets.setsOf(set.impi).length, 1)
})

test('after a de-registration the sets carry the 200 for 64*T1 and nothing else (TS 24.229 clause 5.2.5.1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const leave = register({
    via: `SIP/2.0/UDP ${UE}:15064`,
    cseq: 9,
    callId: 'leave',
    expires: 0,
    branch: 'z9hG4bKleave',
  })
  rig.protected(set, leave)
  rig.coreRequest.respond(200, [])
  await rig.settle()
  assert.equal(rig.answer.status, 200)
  assert.equal(rig.context.contacts.size, 0)
  assert.equal(rig.changes.at(-1)?.kind, 'contact-removed')
  const sent = rig.sent.length
  rig.protected(set, leave)
  assert.equal(rig.sent.length, sent + 1)
  rig.protected(set, register({ via: `SIP/2.0/UDP ${UE}:15064`, cseq: 10 }))
  assert.equal(rig.answer.status, 403)
  rig.clock.advance(128_000)
  assert.equal(rig.installed.size, 0)
})

test('without the log nothing new is registered: 503 with Retry-After, before the core is asked', async () => {
  const rig = new Rig()
  rig.store = 'away'
  rig.unprotected(register({ headers: [OFFER] }))
  assert.equal(rig.answer.status, 503)
  const seconds = Number(rig.answer.headers.get('Retry-After'))
  assert.ok(seconds >= 5 && seconds <= 15)
  assert.equal(rig.coreRequests.length, 0)
})

test('a registration that cannot be written is answered 503, and the old sets go on', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6 })
  rig.store = 'failing'
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.answer.status, 503)
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: first.id })
  assert.equal(rig.context.sets.find(first.id)?.state, 'established')
})

test('what keeps the core from answering is told: 503 with Retry-After, or 504', async () => {
  const cases = [
    ['timeout', 504],
    ['unreachable', 503],
    ['full', 503],
  ] as const
  for (const [kind, status] of cases) {
    const rig = new Rig()
    rig.unprotected(register({ headers: [OFFER] }))
    rig.coreRequest.end({ kind })
    assert.equal(rig.answer.status, status)
    assert.equal(rig.answer.headers.has('Retry-After'), status === 503)
    assert.equal(rig.context.attempts.size, 0)
  }
})

test('a Request-URI of no home network that we know is answered 404 (RFC 3261 section 21.4.5)', () => {
  const rig = new Rig()
  rig.unprotected({ ...register({ headers: [OFFER] }), uri: 'sip:elsewhere.example' })
  assert.equal(rig.answer.status, 404)
})

test('at most four attempts an IMPI are pending; the next unprotected one gets 503, one from the registered address goes on (readings, Access 2)', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_SOURCE_BURST: 100 })
  await rig.register()
  for (let n = 0; n < 4; n++) {
    const end = { ...THIRD_END, spiC: 10_000 + n, spiS: 20_000 + n }
    await rig.challenge({
      callId: `attempt-${n}`,
      source: { address: '127.0.1.66', port: 1000 + n },
      end,
      nonce: `bm9uY2${n}=`,
    })
  }
  assert.equal(rig.context.attempts.size, 4)
  rig.unprotected(register({ callId: 'fifth', headers: [OFFER] }), { address: '127.0.1.66', port: 2000 })
  assert.equal(rig.answer.status, 503)
  assert.equal(rig.refusals('attempts-full-impi'), 1)
  await rig.challenge({ callId: 'owner', end: SECOND_END })
  assert.equal(rig.answer.status, 401)
  assert.equal(rig.context.attempts.size, 4)
})

test('five unprotected REGISTERs at once a source, then one a second; a retransmission is free (readings, Access 2)', () => {
  const rig = new Rig()
  const first = register({ callId: 'c0', headers: [OFFER] })
  rig.unprotected(first)
  for (let n = 1; n < 5; n++) rig.unprotected(register({ callId: `c${n}`, impi: `${n}@x.org`, headers: [OFFER] }))
  assert.equal(rig.coreRequests.length, 5)
  rig.unprotected(register({ callId: 'c5', headers: [OFFER] }))
  assert.equal(rig.answer.status, 503)
  assert.ok(rig.answer.headers.has('Retry-After'))
  rig.unprotected(first)
  assert.equal(rig.refusals('source-rate'), 1)
  rig.unprotected(register({ callId: 'c6', impi: '6@x.org', headers: [OFFER] }), { address: '127.0.1.2', port: 1 })
  assert.equal(rig.coreRequests.length, 6)
  rig.clock.advance(1_000)
  rig.unprotected(register({ callId: 'c7', impi: '7@x.org', headers: [OFFER] }))
  assert.equal(rig.coreRequests.length, 7)
})

test('one branch opens the gate once: from other ports, under other names or without the cookie each REGISTER counts (RFC 3261 section 17.2.3; readings, Access 2)', () => {
  const floods = [
    (n: number) => ({ branch: 'z9hG4bKone', via: `SIP/2.0/UDP ${UE}:15060`, port: 1_000 + n }),
    (n: number) => ({ branch: 'z9hG4bKone', via: `SIP/2.0/UDP host-${n}.example:15060`, port: 1_000 }),
    (n: number) => ({ branch: 'old', via: `SIP/2.0/UDP ${UE}:${1_000 + n}`, port: 1_000 }),
  ]
  for (const flood of floods) {
    const rig = new Rig()
    for (let n = 0; n < 20; n++) {
      const { port, ...o } = flood(n)
      rig.unprotected(register({ ...o, callId: `c${n}`, impi: `${n}@x.org`, headers: [OFFER] }), { address: UE, port })
    }
    assert.equal(rig.coreRequests.length, 5)
    assert.equal(rig.refusals('source-rate'), 15)
  }
})

test('an IMPI asked for from many sources is slowed down, but not for the address it is registered at (readings, Access 2)', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_IMPI_BURST: 3, ROLLCALL_PCSCF_PENDING_REGISTRATIONS_MAX: 64 })
  await rig.register()
  for (let n = 0; n < 3; n++) {
    rig.unprotected(register({ callId: `a${n}`, headers: [OFFER] }), { address: `127.0.2.${n}`, port: 1 })
  }
  assert.equal(rig.refusals('impi-rate'), 1)
  await rig.challenge({ callId: 'owner', end: SECOND_END })
  assert.equal(rig.answer.status, 401)
})

test('a second UE with the same address and port_us is refused (TS 33.203 annex M)', async () => {
  const rig = new Rig()
  await rig.register()
  const end = { ...SECOND_END, portS: FIRST_END.portS }
  rig.unprotected(
    register({ impi: BOB_IMPI, impu: BOB, callId: 'bob', headers: [['Security-Client', securityClient(end)]] }),
    { address: UE, port: 15_061 },
  )
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.refusals('port-us-taken'), 1)
})

test('of two UEs that came with the same address and port_us at once, the first to prove itself has it (TS 33.203 annex M)', async () => {
  const rig = new Rig()
  const alice = await rig.challenge()
  const { securityServer } = rig
  const end = { ...SECOND_END, portS: FIRST_END.portS }
  const other = { impi: BOB_IMPI, impu: BOB, instance: 'urn:gsma:imei:2', callId: 'bob', end, nonce: 'b3RoZXI=' }
  const bob = await rig.challenge({ ...other, source: { address: UE, port: 15_061 } })
  rig.answerChallenge(bob, other)
  rig.coreRequest.respond(200, grantHeaders(other))
  await rig.settle()
  assert.equal(rig.answer.status, 200)
  rig.answerChallenge(alice, { verify: securityServer })
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.refusals('port-us-taken'), 1)
  assert.equal(rig.context.sets.find(alice.id)?.state, 'closing')
})

test('an SA set speaks for one contact: another instance registers from the beginning (TS 24.229 clause 5.4.1.2.2)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const before = rig.coreRequests.length
  rig.protected(set, register({ via: `SIP/2.0/UDP ${UE}:15064`, callId: 'other', instance: 'urn:gsma:imei:2' }))
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.coreRequests.length, before)
  assert.equal(rig.refusals('instance-mismatch'), 1)
})

test('a re-registration changes port_uc and keeps port_us (TS 33.203 clauses 7.1 and 7.4)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const via = `SIP/2.0/UDP ${UE}:15064`
  const offer = (end: typeof FIRST_END): [string, string][] => [['Security-Client', securityClient(end)]]
  rig.protected(set, register({ via, callId: 'p1', headers: offer({ ...SECOND_END, portC: FIRST_END.portC }) }))
  assert.equal(rig.answer.status, 400)
  rig.protected(set, register({ via, callId: 'p2', headers: offer({ ...SECOND_END, portS: 15_065 }) }))
  assert.equal(rig.answer.status, 400)
  assert.equal(rig.refusals('port-uc-taken') + rig.refusals('port-us-changed'), 2)
})

test('a REGISTER without the security agreement is refused by policy: 421, or 494 when the UE could (mistake 23; RFC 3329 section 2.3.1)', () => {
  const rig = new Rig()
  rig.unprotected(register({ require: undefined }))
  assert.equal(rig.answer.status, 421)
  assert.equal(rig.answer.headers.get('Require'), 'sec-agree')
  rig.unprotected(register({ require: undefined, headers: [['Supported', 'sec-agree']] }))
  assert.equal(rig.answer.status, 494)
  rig.unprotected(register({}))
  assert.equal(rig.answer.status, 494)
  assert.match(rig.answer.headers.get('Security-Server') ?? '', /^ipsec-3gpp;q=0.2;alg=hmac-sha-1-96;ealg=aes-cbc/)
  assert.equal(rig.coreRequests.length, 0)
})

test('a hostile Security-Client ends in 4xx and leaves nothing behind (mistakes 3, 28)', () => {
  const end = 'spi-c=1;spi-s=2;port-c=3;port-s=4'
  const hostile = [
    '',
    ';alg=test',
    'ipsec-3gpp',
    'ipsec-3gpp;alg=hmac-sha-1-96',
    `ipsec-3gpp;alg=${'x'.repeat(5000)};${end}`,
    `ipsec-3gpp;alg=hmac-sha-1-96;${end};${end}`,
    `ipsec-3gpp;alg=hmac-sha-1-96;spi-c=4294967296;spi-s=2;port-c=3;port-s=4`,
    `ipsec-3gpp;alg=hmac-sha-1-96;spi-c=0;spi-s=2;port-c=3;port-s=4`,
    `ipsec-3gpp;alg=hmac-sha-1-96;ealg=aes-cbc;mod=UDP-enc-tun;spi-c=1;spi-s=2;port-c=3;port-s=3`,
    Array.from({ length: 200 }, () => `ipsec-3gpp;alg=x;${end}`).join(','),
    `ipsec-3gpp;alg=hmac-sha-1-96;a=${end}`,
    `ipsec-3gpp;alg=hmac-sha-1-96\0;${end}`,
  ]
  for (const value of hostile) {
    const rig = new Rig()
    const octets = serializeMessage(register({ headers: [['Security-Client', 'HOSTILE']] })).toString('latin1')
    rig.unprotected(Buffer.from(octets.replace('HOSTILE', value), 'latin1'))
    assert.ok(rig.answer.status >= 400 && rig.answer.status < 500, `${value.slice(0, 40)}: ${rig.answer.status}`)
    assert.equal(rig.coreRequests.length + rig.context.attempts.size + rig.installed.size, 0)
  }
})

test('no key and no identity is written to the log, and no key stands in an audit event', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6 })
  rig.store = 'failing'
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  const written = rig.logLines.join('\n')
  const told = `${written}${JSON.stringify(rig.audits)}${JSON.stringify(rig.changes, (_key, value) => value, 0)}`
  assert.doesNotMatch(told, new RegExp(`${CK}|${IK}|${Buffer.from(CK, 'hex').toString('base64')}`, 'i'))
  assert.doesNotMatch(written, new RegExp(`${ALICE}|${ALICE_IMPI}`))
})
