import assert from 'node:assert/strict'
import test from 'node:test'
import { createResponse, serializeMessage } from '@rollcall/sip'
import { BOB, FIRST_END, register, SECOND_END, securityClient, subscribe, UE } from '../testing/messages.ts'
import { grantHeaders, Rig } from '../testing/rig.ts'

test('a non-REGISTER without protection gets 403, is counted and audited, and nobody else hears of it (TS 33.203 clause 7.1)', async () => {
  const rig = new Rig()
  await rig.register()
  const before = rig.coreRequests.length
  rig.unprotected(subscribe(), { address: '127.0.1.66', port: 15_060 })
  assert.equal(rig.answer.status, 403)
  assert.equal(rig.coreRequests.length, before)
  assert.equal(rig.refusals('unprotected-request'), 1)
  assert.ok(rig.audits.some(({ reason }) => reason === 'unprotected-request'))
})

test('without protection an ACK is absorbed and a response dropped', () => {
  const rig = new Rig()
  rig.unprotected(subscribe({ method: 'ACK' }))
  rig.unprotected(createResponse(subscribe(), 200))
  assert.equal(rig.sent.length, 0)
  assert.equal(rig.drops('unprotected-response'), 1)
})

test('an error of a socket ends no registration and no set (mistake 16: the binding went with the connection)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.gm.socketError(new Error('ECONNREFUSED'))
  assert.deepEqual(rig.context.sets.find(set.id), set)
  assert.equal(rig.context.contacts.size, 1)
  rig.protected(set, subscribe())
  assert.equal(rig.coreRequest.request.method, 'SUBSCRIBE')
})

test('a temporary set carries nothing but REGISTER (TS 33.203 clause 7.4)', async () => {
  const rig = new Rig()
  const set = await rig.challenge()
  const { length } = rig.sent
  rig.protected(set, subscribe())
  rig.protected(set, createResponse(subscribe(), 200))
  rig.protected(set, subscribe({ method: 'OPTIONS' }))
  assert.equal(rig.sent.length, length)
  assert.equal(rig.coreRequests.length, 1)
  assert.equal(rig.drops('not-register-on-temporary'), 3)
  assert.ok(rig.audits.some(({ event, reason }) => event === 'sa.refused' && reason === 'not-register-on-temporary'))
})

test('what comes in the SA that ends at port_pc is dropped: over UDP it carries nothing (TS 33.203 clause 7.1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.gm.protected({
    setId: set.id,
    sourcePort: set.remote.portS,
    destinationPort: set.local.portC,
    payload: serializeMessage(subscribe()),
  })
  assert.equal(rig.drops('unexpected-sa'), 1)
})

test('INVITE and MESSAGE get 405 with Allow, an ACK nothing, OPTIONS 200, CANCEL 481, none with a transaction (RFC 3261 section 20.5; readings, SIP hop 10)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const cases = [
    ['INVITE', 405],
    ['MESSAGE', 405],
    ['FOO', 405],
    ['OPTIONS', 200],
    ['CANCEL', 481],
  ] as const
  const { server } = rig.gm.transactions
  for (const [method, status] of cases) {
    rig.protected(set, subscribe({ method }))
    assert.equal(rig.answer.status, status, method)
    assert.equal(rig.answer.headers.has('Allow'), status === 405 || status === 200, method)
  }
  const { length } = rig.sent
  rig.protected(set, subscribe({ method: 'ACK' }))
  assert.equal(rig.sent.length, length)
  assert.equal(rig.gm.transactions.server, server)
})

// TS 24.229 clause 5.2: what the edge does with each message, before any procedure.

test('a stateless answer to a retransmission has the same tag (RFC 3261 section 8.2.7)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const invite = subscribe({ method: 'INVITE', branch: 'z9hG4bKone' })
  rig.protected(set, invite)
  const first = rig.answer.headers.get('To')
  rig.protected(set, invite)
  assert.equal(rig.answer.headers.get('To'), first)
  assert.match(first ?? '', /;tag=/)
})

test('what is no SIP is dropped; what is almost SIP gets 400 where it came from (RFC 3261 section 8.2)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const { length } = rig.sent
  rig.unprotected(Buffer.from('\0\0\0\0garbage'))
  rig.protected(set, Buffer.alloc(1000, 0xff))
  assert.equal(rig.sent.length, length)
  assert.equal(rig.drops('malformed'), 2)
  const text = String(serializeMessage(subscribe()))
  rig.protected(set, Buffer.from(text.replace('CSeq: 1 SUBSCRIBE', 'CSeq: 1 PUBLISH'), 'latin1'))
  assert.equal(rig.answer.status, 400)
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: set.id })
  rig.unprotected(Buffer.from(String(serializeMessage(register())).replace(/Call-ID: .*\r\n/, ''), 'latin1'))
  assert.equal(rig.answer.status, 400)
  assert.deepEqual(rig.last.flow, { kind: 'unprotected', address: UE, port: 15_060 })
})

test('compact forms and lower case are read like any other (RFC 3261 section 7.3.3; TS 33.203 annex H)', () => {
  const rig = new Rig()
  const text = String(serializeMessage(register({ headers: [['Security-Client', securityClient(FIRST_END)]] })))
    .replace('Via:', 'v:')
    .replace('From:', 'f:')
    .replace('To:', 't:')
    .replace('Call-ID:', 'i:')
    .replace('Contact:', 'm:')
    .replace('Supported: path', 'k: path,sec-agree')
    .replace('Content-Length:', 'l:')
    .replace('Security-Client:', 'security-client :')
  rig.unprotected(Buffer.from(text, 'latin1'))
  assert.equal(rig.coreRequests.length, 1)
})

test('a UE of one IMPI cannot fill the table: beyond its burst it gets 503 with Retry-After', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_CONTACT_BURST: 4, ROLLCALL_PCSCF_CONTACT_INTERVAL_MS: 1_000 })
  const set = await rig.register()
  for (let n = 0; n < 3; n++) rig.protected(set, subscribe({ callId: `s${n}` }))
  const before = rig.coreRequests.length
  const { server } = rig.gm.transactions
  rig.protected(set, subscribe({ callId: 's4' }))
  assert.equal(rig.answer.status, 503)
  assert.ok(rig.answer.headers.has('Retry-After'))
  assert.equal(rig.coreRequests.length, before)
  assert.equal(rig.gm.transactions.server, server)
})

test('a full table is answered 503 with Retry-After', async () => {
  const rig = new Rig({ ROLLCALL_PCSCF_TRANSACTIONS_MAX: 16 })
  const set = await rig.register()
  for (let n = 0; n < 20; n++) rig.protected(set, subscribe({ callId: `s${n}` }))
  assert.equal(rig.answer.status, 503)
  assert.ok(rig.refusals('transactions-full') > 0)
})

test('an OPTIONS in the new set takes it into use, a retransmitted SM7 does not (TS 24.229 clause 5.2.2.2)', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  const sm7 = { end: SECOND_END, callId: 'again', cseq: 6, branch: 'z9hG4bKsm7' }
  rig.answerChallenge(second, sm7)
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  rig.answerChallenge(second, sm7)
  assert.equal(rig.context.sets.find(second.id)?.isInUse, false)
  rig.protected(second, subscribe({ method: 'OPTIONS' }))
  assert.equal(rig.context.sets.find(second.id)?.isInUse, true)
})

test('two UEs that use the same branch get each their own answer', async () => {
  const rig = new Rig()
  const alice = await rig.register()
  const bob = await rig.register({
    impi: '001010000000003@ims.mnc001.mcc001.3gppnetwork.org',
    impu: BOB,
    instance: 'urn:gsma:imei:2',
    callId: 'bob',
    source: { address: '127.0.1.2', port: 15_060 },
    end: { spiC: 7, spiS: 8, portC: 40_009, portS: 15_064 },
  })
  const request = subscribe({ branch: 'z9hG4bKshared' })
  rig.protected(alice, request)
  rig.protected(bob, request)
  const [first, second] = rig.coreRequests.slice(-2)
  assert.deepEqual([first?.envelope.impi, second?.envelope.impi], [alice.impi, bob.impi])
})

test('forgeries are all counted, and of a flood some are audited', () => {
  const rig = new Rig()
  for (let n = 0; n < 100; n++) rig.gm.dropped('integrity')
  for (let n = 0; n < 3; n++) rig.gm.dropped('replay')
  assert.equal(rig.drops('integrity'), 100)
  assert.equal(rig.audits.filter(({ reason }) => reason === 'integrity').length, 20)
  assert.equal(rig.audits.filter(({ reason }) => reason === 'replay').length, 3)
})

test('the trace begins here: what a UE says of one is taken only with the setting for it', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(set, subscribe({ headers: [['Traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`]] }))
  assert.ok(!rig.coreRequest.request.headers.has('Traceparent'))
  assert.doesNotMatch(rig.coreRequest.envelope.traceparent, /a{32}/)
})
