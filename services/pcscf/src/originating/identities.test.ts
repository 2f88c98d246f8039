import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpi, parseImpu } from '@rollcall/core'
import { SipHeaders } from '@rollcall/sip'
import type { Contact } from '../contacts/contact.ts'
import {
  ALICE,
  ALICE_IMPI,
  ALICE_TEL,
  BOB,
  DOMAIN,
  PHONE,
  register,
  SERVICE_ROUTE,
  subscribe,
  UE,
} from '../testing/messages.ts'
import { Rig } from '../testing/rig.ts'
import { chooseIdentity } from './asserted-identity.ts'

const PHONE_URI = 'sip:+15550100@ims.example.org;user=phone'
const WORK = `sip:alice.work@${DOMAIN}`

function contactOf(...uris: string[]): Contact {
  return {
    registrationId: Buffer.alloc(16),
    impi: parseImpi(ALICE_IMPI),
    instance: `<${PHONE}>`,
    contactUri: `sip:${UE}:15064`,
    impus: uris.map(parseImpu),
    associatedUris: uris,
    serviceRoute: [SERVICE_ROUTE],
    path: '<sip:x@y;lr>',
    expiresAtMs: 1,
    charging: { functions: [], termIoi: '' },
  }
}

function asserted(contact: Contact, ...preferred: string[]): readonly string[] | undefined {
  const headers = new SipHeaders(preferred.map((value) => ['P-Preferred-Identity', value] as const))
  return chooseIdentity(headers, contact)?.values
}

/** Registers with the given P-Associated-URI lines. */
async function registered(rig: Rig, ...associated: string[]): Promise<ReturnType<Rig['newestSet']>> {
  rig.answerChallenge(await rig.challenge())
  rig.coreRequest.respond(200, [
    ['Contact', `<sip:${UE}:15064>;+sip.instance="<${PHONE}>";expires=600000`],
    ['Service-Route', SERVICE_ROUTE],
    ...associated.map((value): [string, string] => ['P-Associated-URI', value]),
  ])
  await rig.settle()
  assert.equal(rig.answer.status, 200)
  return rig.newestSet()
}

test('the default identity is the first of P-Associated-URI, also when two tel URIs come before the sip one (TS 24.229 clause 5.2.2.2; mistake 20: P-Associated-URI broken when tel comes first)', async () => {
  const rig = new Rig()
  const set = await registered(rig, `<${ALICE_TEL}>, <tel:+15550109>`, `"Alice" <${ALICE}>`)
  rig.protected(set, subscribe())
  const { request, envelope } = rig.coreRequest
  assert.deepEqual(request.headers.getAll('P-Asserted-Identity'), [`<${ALICE_TEL}>`])
  assert.deepEqual(envelope.assertedIdentities, [ALICE_TEL])
  rig.protected(set, subscribe({ headers: [['P-Preferred-Identity', `<${ALICE}>`]] }))
  assert.deepEqual(rig.coreRequest.request.headers.getAll('P-Asserted-Identity'), [`<${ALICE}>`])
})

test('an identity that P-Associated-URI does not list is barred, also the one that was registered (TS 24.229 clauses 5.1.1.2.1 and 5.2.6.3.1)', async () => {
  const rig = new Rig()
  const set = await registered(rig, `<${WORK}>`)
  rig.protected(set, subscribe({ headers: [['P-Preferred-Identity', `<${ALICE}>`]] }))
  assert.deepEqual(rig.coreRequest.envelope.assertedIdentities, [WORK])
  assert.equal(rig.count('rollcall_pcscf_corrected_total', 'preferred-identity'), 1)
})

test('with every identity barred nothing is asserted: 403, audited (TS 24.229 clause 5.2.6.3.1)', async () => {
  for (const associated of [[], ['']]) {
    const rig = new Rig()
    const set = await registered(rig, ...associated)
    const before = rig.coreRequests.length
    rig.protected(set, subscribe({ headers: [['P-Preferred-Identity', `<${ALICE}>`]] }))
    assert.equal(rig.answer.status, 403)
    assert.equal(rig.coreRequests.length, before)
    assert.ok(rig.audits.some(({ event, reason }) => event === 'identity.refused' && reason === 'no-public-identity'))
  }
})

test('one SIP and one tel URI are asserted together, in the order that the UE prefers, without display names (RFC 3325 section 9.2)', () => {
  const contact = contactOf(ALICE, WORK, ALICE_TEL)
  assert.deepEqual(asserted(contact, `"A" <${ALICE_TEL}>, "B" <${WORK}>`), [`<${ALICE_TEL}>`, `<${WORK}>`])
  assert.deepEqual(asserted(contact, `<${WORK}>`, `<${ALICE}>`), [`<${WORK}>`])
  assert.deepEqual(asserted(contact, `<${BOB}>`, `<${ALICE_TEL}>`), [`<${ALICE_TEL}>`])
  assert.deepEqual(asserted(contact), [`<${ALICE}>`])
})

test('sips beside sip is no second kind, and a SIP URI with user=phone is its tel URI, either way round (TS 24.229 clause 5.2.6.3.1)', () => {
  const secure = `sips:alice@${DOMAIN}`
  assert.deepEqual(asserted(contactOf(ALICE, secure), `<${secure}>`, `<${ALICE}>`), [`<${secure}>`])
  assert.deepEqual(asserted(contactOf(ALICE, ALICE_TEL), `<${PHONE_URI}>`), [`<${ALICE_TEL}>`])
  assert.deepEqual(asserted(contactOf(ALICE, PHONE_URI), `<${ALICE_TEL}>`), [`<${PHONE_URI}>`])
  assert.deepEqual(asserted(contactOf(ALICE, PHONE_URI), `<${PHONE_URI}>`), [`<${PHONE_URI}>`])
})

test('what the network knows of the access and of itself is said by settings, as the network’s (TS 24.229 clauses 5.2.2.2 and 5.2.6.3)', async () => {
  const rig = new Rig({
    ROLLCALL_PCSCF_ACCESS_NETWORK_INFO: 'IEEE-802.11;i-wlan-node-id=ffffffffffff',
    ROLLCALL_PCSCF_VISITED_NETWORK_ID: 'Visited Network 1',
  })
  const set = await rig.register({ headers: [['P-Access-Network-Info', '3GPP-E-UTRAN;x=y']] })
  const [sm1] = rig.coreRequests
  const networks = 'IEEE-802.11;i-wlan-node-id=ffffffffffff;network-provided'
  assert.equal(sm1?.request.headers.get('P-Visited-Network-ID'), '"Visited Network 1"')
  assert.deepEqual(sm1?.request.headers.getAll('P-Access-Network-Info'), [networks])
  rig.protected(
    set,
    subscribe({ headers: [['P-Access-Network-Info', '3GPP-NR;cell=1, 3GPP-NR;cell=2;network-provided']] }),
  )
  assert.deepEqual(rig.coreRequest.request.headers.getAll('P-Access-Network-Info'), ['3GPP-NR;cell=1', networks])
})

test('charging: a new icid a dialog, orig-ioi ours, the home’s addresses and term-ioi kept with the registration (TS 24.229 clauses 5.2.2.2 and 5.2.6.3)', async () => {
  const rig = new Rig()
  rig.answerChallenge(await rig.challenge())
  rig.coreRequest.respond(200, [
    ['Contact', `<sip:${UE}:15064>;+sip.instance="<${PHONE}>";expires=600000`],
    ['Service-Route', SERVICE_ROUTE],
    ['P-Associated-URI', `<${ALICE}>`],
    ['P-Charging-Vector', 'icid-value=home;orig-ioi=x;term-ioi="home.example"'],
    ['P-Charging-Function-Addresses', 'ccf=192.0.2.1;ccf="[2001:db8::1]";ecf=192.0.2.2'],
    ['P-Charging-Function-Addresses', ';;'],
  ])
  await rig.settle()
  for (const name of ['P-Charging-Vector', 'P-Charging-Function-Addresses']) assert.ok(!rig.answer.headers.has(name))
  const [contact] = rig.context.contacts.all(rig.clock.now())
  assert.deepEqual(contact?.charging, {
    functions: ['ccf=192.0.2.1;ccf="[2001:db8::1]";ecf=192.0.2.2'],
    termIoi: 'home.example',
  })
  const vectors = ['one', 'two'].map((callId) => {
    rig.protected(rig.newestSet(), subscribe({ callId, headers: [['P-Charging-Vector', 'icid-value=evil']] }))
    return rig.coreRequest.request.headers.get('P-Charging-Vector') ?? ''
  })
  assert.match(vectors[0] ?? '', new RegExp(`^icid-value=[0-9a-f]{32};icid-generated-at=pcscf-0.*;orig-ioi=${DOMAIN}$`))
  assert.notEqual(vectors[0], vectors[1])
})

test('Security-Verify in an established set is taken out, and a difference is counted, not refused (TS 24.229 clause 5.2.2.2 item 3b)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const mirror = rig.securityServer
  const counted = (): number => rig.count('rollcall_pcscf_corrected_total', 'security-verify')
  for (const [verify, expected] of [
    [mirror, 0],
    [mirror.replaceAll(', ', ' ,').replaceAll(';', ' ; '), 0],
    [mirror.replaceAll('hmac-sha-1-96', 'hmac-md5-96'), 1],
    [';;', 2],
  ] as const) {
    rig.protected(set, subscribe({ headers: [['Security-Verify', verify]] }))
    assert.equal(counted(), expected, verify)
    assert.ok(!rig.coreRequest.request.headers.has('Security-Verify'))
  }
  const headers: [string, string][] = [['Security-Verify', 'tls']]
  rig.protected(set, register({ via: `SIP/2.0/UDP ${UE}:15064`, callId: 'again', headers }))
  assert.equal(counted(), 3)
  assert.ok(!rig.coreRequest.request.headers.has('Security-Verify'))
})
