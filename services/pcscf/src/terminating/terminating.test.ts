import assert from 'node:assert/strict'
import test from 'node:test'
import { INVALID_SPAN_CONTEXT, trace } from '@opentelemetry/api'
import { createEnvelope } from '@rollcall/runtime'
import { createResponse, parseMessage, type SipRequest, type SipResponse } from '@rollcall/sip'
import {
  ALICE,
  ALICE_TEL,
  BOB,
  BOB_IMPI,
  DOMAIN,
  HOST,
  notify,
  PCSCF,
  register,
  SECOND_END,
  subscribe,
  UE,
} from '../testing/messages.ts'
import { grantHeaders, Rig } from '../testing/rig.ts'

const SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT)

/** Brings a request over the hop; what it is answered gathers in the list. */
function bring(rig: Rig, sip: Buffer): SipResponse[] {
  const answers: SipResponse[] = []
  rig.terminating.handle({ sip, envelope: createEnvelope(), span: SPAN }, (answer) => {
    const response = parseMessage(answer)
    assert.equal(response.kind, 'response')
    if (response.kind === 'response') answers.push(response)
  })
  return answers
}

/** The last request that went to a UE. */
function toUe(rig: Rig): SipRequest {
  const { message } = rig.last
  assert.equal(message.kind, 'request')
  return message as SipRequest
}

test('a NOTIFY goes out in the set in force, from port_ps by its Via, and its answer back to the core (TS 24.229 clause 5.2.6.4)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const answers = bring(
    rig,
    notify(rig.token, {
      headers: [
        ['P-Charging-Vector', 'icid-value=x'],
        ['P-Asserted-Identity', `<${BOB}>`],
        ['Record-Route', '<sip:scscf.example;lr>'],
      ],
      body: Buffer.from('<presence/>'),
    }),
  )
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: set.id })
  const request = toUe(rig)
  assert.equal(request.uri, `sip:${UE}:15064`)
  assert.match(request.headers.getAll('Via')[0] ?? '', new RegExp(`^SIP/2.0/UDP ${PCSCF}:15064;branch=z9hG4bK`))
  assert.equal(request.headers.getAll('Via').length, 2)
  for (const name of ['Route', 'P-Charging-Vector']) assert.ok(!request.headers.has(name), name)
  assert.deepEqual(request.headers.getAll('P-Asserted-Identity'), [`<${BOB}>`])
  assert.deepEqual(request.headers.getAll('Record-Route'), ['<sip:scscf.example;lr>'])
  assert.equal(request.headers.get('Max-Forwards'), '67')
  assert.equal(String(request.body), '<presence/>')
  rig.protected(set, createResponse(request, 200, { headers: [['P-Asserted-Identity', `<${ALICE}>`]] }))
  assert.equal(answers[0]?.status, 200)
  assert.equal(answers[0]?.headers.getAll('Via').length, 1)
  assert.ok(!answers[0]?.headers.has('P-Asserted-Identity'))
})

test('who answers is who was asked: P-Called-Party-ID is asserted in 1xx and 2xx, whatever the UE asserts or prefers (TS 24.229 clause 5.2.6.4.4)', async () => {
  for (const [called, expected] of [
    [`<${ALICE_TEL}>`, `<${ALICE_TEL}>`],
    [`<${BOB}>`, `<${ALICE}>`],
    ['<x', `<${ALICE}>`],
    [undefined, undefined],
  ] as const) {
    const rig = new Rig()
    const set = await rig.register()
    const headers: [string, string][] = [['P-Charging-Vector', 'icid-value=home;orig-ioi=home']]
    if (called) headers.push(['P-Called-Party-ID', called])
    const answers = bring(rig, notify(rig.token, { headers }))
    assert.equal(toUe(rig).headers.get('P-Called-Party-ID'), called)
    const said: [string, string][] = [
      ['P-Asserted-Identity', `<${BOB}>`],
      ['P-Preferred-Identity', `<${BOB}>`],
      ['P-Charging-Vector', 'icid-value=evil'],
    ]
    rig.protected(set, createResponse(toUe(rig), 200, { headers: said }))
    const response = answers[0]?.headers
    assert.equal(response?.get('P-Asserted-Identity'), expected)
    assert.ok(!response?.has('P-Preferred-Identity'))
    assert.equal(response?.get('P-Charging-Vector'), `icid-value=home;orig-ioi=home;term-ioi=${DOMAIN}`)
  }
})

test('an error of the UE’s asserts nobody (TS 24.229 clause 5.2.6.4.4)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const answers = bring(rig, notify(rig.token, { headers: [['P-Called-Party-ID', `<${ALICE}>`]] }))
  rig.protected(set, createResponse(toUe(rig), 486))
  assert.ok(!answers[0]?.headers.has('P-Asserted-Identity'))
})

test('Privacy: id hides the notifier’s asserted identity from the UE (RFC 3325 section 7)', async () => {
  const rig = new Rig()
  await rig.register()
  bring(
    rig,
    notify(rig.token, {
      headers: [
        ['P-Asserted-Identity', `<${BOB}>`],
        ['Privacy', 'header;id'],
      ],
    }),
  )
  assert.ok(!toUe(rig).headers.has('P-Asserted-Identity'))
})

test('after a re-registration NOTIFYs stay in the old set until the UE uses the new one, then follow it (TS 33.203 clause 7.4)', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const { token } = rig
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6 })
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  bring(rig, notify(token))
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: first.id })
  const waiting = toUe(rig)
  rig.protected(second, subscribe())
  bring(rig, notify(token))
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: second.id })
  rig.protected(first, createResponse(waiting, 200))
  assert.equal(rig.drops('stray-response'), 0)
  rig.clock.advance(128_000)
  assert.equal(rig.context.sets.find(first.id), undefined)
  assert.equal(rig.context.sets.find(second.id)?.state, 'established')
})

test('the answer to a NOTIFY in the new set is its first use (TS 24.229 clause 5.2.2.2)', async () => {
  const rig = new Rig()
  const first = await rig.register()
  const { token } = rig
  const second = await rig.challenge({ on: first, end: SECOND_END, callId: 'again', cseq: 5 })
  rig.answerChallenge(second, { end: SECOND_END, callId: 'again', cseq: 6 })
  rig.coreRequest.respond(200, grantHeaders())
  await rig.settle()
  const answers = bring(rig, notify(token))
  rig.protected(second, createResponse(toUe(rig), 200))
  assert.equal(answers[0]?.status, 200)
  assert.equal(rig.context.sets.find(second.id)?.isInUse, true)
})

test('a token that is good but has no SA gets 503 with Retry-After; one whose registration is gone, 404 (readings, Presence 1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const { token } = rig
  rig.context.sets.stop()
  const [unavailable] = bring(rig, notify(token))
  assert.equal(unavailable?.status, 503)
  assert.ok(unavailable?.headers.has('Retry-After'))
  const contact = rig.context.contacts.find(set.contact ?? '', rig.clock.now())
  rig.context.contacts.remove(contact?.registrationId ?? Buffer.alloc(0))
  assert.equal(bring(rig, notify(token))[0]?.status, 404)
})

test('a dialog made before a re-registration from nothing goes on: the token names the UE, not its SAs (readings, Access 3)', async () => {
  const rig = new Rig()
  await rig.register()
  const { token } = rig
  rig.context.sets.stop()
  const fresh = await rig.register({ callId: 'restarted', end: SECOND_END })
  bring(rig, notify(token))
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: fresh.id })
})

test('a forged token is refused with 403 and audited; one of a key that is done, 404', async () => {
  const rig = new Rig()
  await rig.register()
  const { token } = rig
  const forged = `${token.slice(0, -2)}${token.endsWith('AA') ? 'BB' : 'AA'}`
  assert.equal(bring(rig, notify(forged))[0]?.status, 403)
  assert.equal(bring(rig, notify('no-token'))[0]?.status, 403)
  assert.ok(rig.audits.some(({ event, reason }) => event === 'identity.refused' && reason === 'token-forged'))
  const { tokens, random, clock } = rig.context
  for (let n = 0; n < 2; n++) tokens.add(tokens.nextKey(random, clock.now()))
  assert.equal(bring(rig, notify(token))[0]?.status, 404)
})

test('only the UE that was asked may answer, whoever knows the branch', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const { token } = rig
  const bob = await rig.register({
    impi: BOB_IMPI,
    impu: BOB,
    instance: 'urn:gsma:imei:2',
    callId: 'bob',
    source: { address: '127.0.1.2', port: 15_060 },
    end: SECOND_END,
  })
  const answers = bring(rig, notify(token))
  const request = toUe(rig)
  rig.protected(bob, createResponse(request, 200))
  assert.equal(answers.length, 0)
  assert.equal(rig.drops('response-of-other-ue'), 1)
  rig.protected(set, createResponse(request, 200))
  assert.equal(answers.length, 1)
})

test('what the hop brings twice goes to the UE once, and the answer to where it was brought last (readings, SIP hop 1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const sip = notify(rig.token, { branch: 'z9hG4bKtwice' })
  const first = bring(rig, sip)
  const second = bring(rig, sip)
  const sent = rig.sent.filter(({ message }) => message.kind === 'request')
  assert.equal(sent.length, 1)
  rig.protected(set, createResponse(toUe(rig), 200))
  assert.deepEqual([first.length, second.length], [0, 1])
  assert.equal(bring(rig, sip)[0]?.status, 200)
})

test('a UE that does not answer is asked again after T1, 2*T1 …, and given up after 64*T1 with 408 (TS 24.229 table 7.7.1)', async () => {
  const rig = new Rig()
  await rig.register()
  const answers = bring(rig, notify(rig.token))
  const requests = (): number => rig.sent.filter(({ message }) => message.kind === 'request').length
  assert.equal(requests(), 1)
  rig.clock.advance(2_000)
  assert.equal(requests(), 2)
  rig.clock.advance(4_000)
  assert.equal(requests(), 3)
  rig.clock.advance(122_000)
  assert.equal(answers[0]?.status, 408)
})

test('a NOTIFY that one protected datagram cannot carry is answered 513 (readings, Access 1)', async () => {
  const rig = new Rig()
  await rig.register()
  assert.equal(bring(rig, notify(rig.token, { body: Buffer.alloc(8_000, 'x') }))[0]?.status, 513)
  assert.equal(rig.refusals('request-too-large'), 1)
})

test('the core may send a UE nothing but NOTIFY here: 405 with Allow', async () => {
  const rig = new Rig()
  await rig.register()
  const [answer] = bring(rig, Buffer.from(String(notify(rig.token)).replaceAll('NOTIFY', 'MESSAGE'), 'latin1'))
  assert.equal(answer?.status, 405)
  assert.equal(answer?.headers.get('Allow'), 'NOTIFY')
})

test('a request that has passed here is a loop, one without hops left ends, and what is no SIP is dropped', async () => {
  const rig = new Rig()
  await rig.register()
  const looped = bring(rig, notify(rig.token, { headers: [['Via', `SIP/2.0/TLS ${HOST};branch=z9hG4bKx`]] }))
  assert.equal(looped[0]?.status, 482)
  const spent = String(notify(rig.token)).replace('Max-Forwards: 68', 'Max-Forwards: 0')
  assert.equal(bring(rig, Buffer.from(spent, 'latin1'))[0]?.status, 483)
  assert.equal(bring(rig, Buffer.from('garbage')).length, 0)
  assert.equal(rig.drops('core-malformed'), 1)
  assert.ok(register())
})
