import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpi } from '@rollcall/core'
import { contactKey } from '../contacts/contact.ts'
import {
  ALICE,
  ALICE_IMPI,
  ALICE_TEL,
  BOB,
  BOB_IMPI,
  DOMAIN,
  HOST,
  PCSCF,
  PHONE,
  SECOND_END,
  SERVICE_ROUTE,
  subscribe,
  UE,
} from '../testing/messages.ts'
import { grantHeaders, Rig } from '../testing/rig.ts'
import { dialogKey } from './dialog-routes.ts'

const TERM = `<sip:term@scscf-0.scscf.${DOMAIN};lr>`

test('a SUBSCRIBE is asserted by its SA, whatever From says, and takes the Service-Route (TS 24.229 clause 5.2.6.3)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(
    set,
    subscribe({
      headers: [
        ['P-Asserted-Identity', `<${BOB}>`],
        ['P-Charging-Vector', 'icid-value=evil'],
        ['Record-Route', '<sip:evil.example;lr>'],
        ['Security-Verify', rig.securityServer],
        ['Require', 'sec-agree'],
        ['Proxy-Require', 'sec-agree'],
        ['Privacy', 'none'],
        ['P-Access-Network-Info', '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1'],
        ['P-Access-Network-Info', '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=2;network-provided'],
        ['Authorization', `Digest username="${ALICE_IMPI}",realm="x",integrity-protected="yes"`],
      ],
    }),
  )
  const { host, request, envelope } = rig.coreRequest
  const { headers } = request
  assert.equal(host, `scscf-0.scscf.${DOMAIN}`)
  assert.deepEqual(headers.getAll('P-Asserted-Identity'), [`<${ALICE}>`])
  assert.deepEqual(envelope.assertedIdentities, [ALICE])
  assert.equal(envelope.impi, ALICE_IMPI)
  assert.equal(envelope.accessSecurity, 3)
  assert.deepEqual(headers.getAll('Route'), [SERVICE_ROUTE])
  // RFC 5658 section 3: an entry for each side.
  assert.deepEqual(headers.getAll('Record-Route'), [`<sip:${rig.token}@${HOST};lr>`, `<sip:${PCSCF}:15064;lr>`])
  assert.deepEqual(headers.getAll('P-Access-Network-Info'), ['3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=1'])
  assert.match(headers.get('P-Charging-Vector') ?? '', /^icid-value=[0-9a-f]{32};/)
  for (const name of ['Require', 'Proxy-Require', 'Security-Verify']) assert.ok(!headers.has(name), name)
  assert.doesNotMatch(headers.get('Authorization') ?? '', /integrity-protected/)
  assert.equal(headers.get('Privacy'), 'none')
  assert.equal(rig.count('rollcall_pcscf_corrected_total', 'route'), 0)
  const asserted = rig.audits.find(({ event }) => event === 'identity.asserted')
  assert.deepEqual(asserted?.identities, { impi: ALICE_IMPI, impu: ALICE })
})

test('P-Preferred-Identity chooses among the registered identities, one SIP and one tel (TS 24.229 clause 5.2.6.3.1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const assertedFor = (...preferred: string[]): string[] => {
    rig.protected(
      set,
      subscribe({ headers: preferred.map((value): [string, string] => ['P-Preferred-Identity', value]) }),
    )
    const { headers } = rig.coreRequest.request
    assert.ok(!headers.has('P-Preferred-Identity'))
    return headers.getAll('P-Asserted-Identity')
  }
  assert.deepEqual(assertedFor(`"Alice" <${ALICE_TEL}>`), [`<${ALICE_TEL}>`])
  assert.deepEqual(assertedFor(`<${ALICE_TEL}>`, `<${ALICE}>`), [`<${ALICE_TEL}>`, `<${ALICE}>`])
  assert.deepEqual(assertedFor('<sip:+15550100@x.org;user=phone>'), [`<${ALICE_TEL}>`])
  assert.deepEqual(assertedFor(`<${BOB}>`), [`<${ALICE}>`])
  assert.deepEqual(assertedFor('not an identity'), [`<${ALICE}>`])
  assert.equal(rig.count('rollcall_pcscf_corrected_total', 'preferred-identity'), 2)
})

test('a Route that is not the Service-Route is replaced and counted, or refused by a setting (TS 24.229 clause 5.2.6.3.3)', async () => {
  for (const [setting, status] of [
    ['replace', undefined],
    ['refuse', 400],
  ] as const) {
    const rig = new Rig({ ROLLCALL_PCSCF_SERVICE_ROUTE_MISMATCH: setting })
    const set = await rig.register()
    const before = rig.coreRequests.length
    rig.protected(set, subscribe({ route: [`<sip:${PCSCF}:15064;lr>`, `<sip:presence.${DOMAIN};lr>`] }))
    if (status) {
      assert.equal(rig.answer.status, status)
      assert.equal(rig.coreRequests.length, before)
    } else {
      assert.deepEqual(rig.coreRequest.request.headers.getAll('Route'), [SERVICE_ROUTE])
      assert.equal(rig.count('rollcall_pcscf_corrected_total', 'route'), 1)
    }
  }
})

test('the same Service-Route written another way is the same, and our own entry is taken off (RFC 3261 section 16.4; readings, Access 4)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(
    set,
    subscribe({ route: [`<sip:${PCSCF}:15064;lr>`, SERVICE_ROUTE.toUpperCase().replace('SIP:ORIG', 'sip:orig')] }),
  )
  assert.equal(rig.count('rollcall_pcscf_corrected_total', 'route'), 0)
})

test('the response reaches the UE in the set the request came in, without what a UE is not told', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const request = subscribe()
  rig.protected(set, request)
  rig.coreRequest.respond(200, [
    ['P-Charging-Function-Addresses', 'ccf=x'],
    ['P-Asserted-Identity', `<${BOB}>`],
    ['WWW-Authenticate', 'Digest realm="x",nonce="n",ck="00",ik="11"'],
  ])
  assert.deepEqual(rig.last.flow, { kind: 'protected', setId: set.id })
  assert.equal(rig.answer.headers.getAll('Via').length, 1)
  assert.equal(rig.answer.headers.getAll('Record-Route').length, 2)
  assert.ok(!rig.answer.headers.has('P-Charging-Function-Addresses'))
  assert.ok(rig.answer.headers.has('P-Asserted-Identity'))
  assert.doesNotMatch(rig.answer.headers.get('WWW-Authenticate') ?? '', /[ci]k=/)
})

/** Subscribes and accepts; returns how the UE then routes. */
async function subscribed(rig: Rig): Promise<string[]> {
  rig.protected(await rig.register(), subscribe())
  const { headers } = rig.coreRequest.request
  headers.prepend('Record-Route', SERVICE_ROUTE)
  headers.prepend('Record-Route', TERM)
  rig.coreRequest.respond(200, [['Expires', '3600']])
  return rig.answer.headers.getAll('Record-Route').toReversed()
}

test('a request inside a dialog takes the route that the 2xx recorded and the charging id, and is not recorded again (TS 24.229 clause 5.2.6.3.4, TS 24.229 clause 5.2.6.3.5)', async () => {
  const rig = new Rig()
  const route = await subscribed(rig)
  const icid = rig.coreRequest.request.headers.get('P-Charging-Vector')
  rig.protected(rig.newestSet(), subscribe({ toTag: 'core-tag', cseq: 2, route }))
  const { headers } = rig.coreRequest.request
  assert.deepEqual(headers.getAll('Route'), [SERVICE_ROUTE, TERM])
  assert.ok(!headers.has('Record-Route'))
  assert.equal(headers.get('P-Charging-Vector'), icid)
  rig.protected(rig.newestSet(), subscribe({ toTag: 'core-tag', cseq: 3, route: [...route, '<sip:evil.example;lr>'] }))
  assert.deepEqual(rig.coreRequest.request.headers.getAll('Route'), [SERVICE_ROUTE, TERM])
  assert.equal(rig.count('rollcall_pcscf_corrected_total', 'route'), 1)
})

test('a dialog made before a restart goes on by its token and its S-CSCF (readings, Access 3)', async () => {
  const rig = new Rig()
  const route = await subscribed(rig)
  const { dialogs } = rig.context
  dialogs.forget(dialogKey(contactKey(parseImpi(ALICE_IMPI), `<${PHONE}>`), 'subscribe-call', 'watcher-tag'))
  assert.equal(dialogs.size, 0)
  rig.protected(rig.newestSet(), subscribe({ toTag: 'core-tag', cseq: 2, route }))
  assert.deepEqual(rig.coreRequest.request.headers.getAll('Route'), [SERVICE_ROUTE, TERM])
  const before = rig.coreRequests.length
  const past = [...route.slice(0, 2), `<sip:presence.${DOMAIN};lr>`]
  for (const wrong of [[], [`<sip:presence.${DOMAIN};lr>`], [SERVICE_ROUTE], past]) {
    rig.protected(rig.newestSet(), subscribe({ toTag: 'core-tag', cseq: 3, route: wrong }))
    assert.equal(rig.answer.status, 400)
  }
  assert.equal(rig.coreRequests.length, before)
})

test('a dialog of another UE is not to be had by its token: 403, audited (TS 24.229 clause 5.2.6.3.5)', async () => {
  const rig = new Rig()
  const route = await subscribed(rig)
  const bob = await rig.register({
    impi: BOB_IMPI,
    impu: BOB,
    instance: 'urn:gsma:imei:2',
    callId: 'bob',
    source: { address: '127.0.1.2', port: 15_060 },
    via: 'SIP/2.0/UDP 127.0.1.2:15064',
    end: SECOND_END,
  })
  rig.protected(bob, subscribe({ toTag: 'core-tag', route }))
  assert.equal(rig.answer.status, 403)
  assert.ok(rig.audits.some(({ reason }) => reason === 'token-of-other'))
})

test('credentials of another private identity in one’s own SA: 403, audited', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(set, subscribe({ headers: [['Authorization', `Digest username="${BOB_IMPI}",realm="x"`]] }))
  assert.equal(rig.answer.status, 403)
  assert.ok(rig.audits.some(({ event, reason }) => event === 'identity.refused' && reason === 'impi-mismatch'))
})

test('after a de-registration nothing but retransmissions is taken in the sets that are left: 403', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.context.sets.tell(set.impi, { kind: 'deregistered', contact: set.contact ?? '', id: undefined })
  rig.protected(set, subscribe())
  assert.equal(rig.answer.status, 403)
})

test('Max-Forwards 0 is 483, our own Via below is a loop, an unknown Proxy-Require is 420 (RFC 3261 section 16.3)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  const spent = subscribe()
  spent.headers.set('Max-Forwards', '0')
  rig.protected(set, spent)
  assert.equal(rig.answer.status, 483)
  const looped = subscribe()
  looped.headers.add('Via', `SIP/2.0/TLS ${HOST};branch=z9hG4bKx`)
  rig.protected(set, looped)
  assert.equal(rig.answer.status, 482)
  rig.protected(set, subscribe({ headers: [['Proxy-Require', 'sec-agree, foo']] }))
  assert.equal(rig.answer.status, 420)
  assert.equal(rig.answer.headers.get('Unsupported'), 'foo')
})

test('a provisional response of the core says nothing that a UE needs (RFC 4320 section 4.1)', async () => {
  const rig = new Rig()
  rig.protected(await rig.register(), subscribe())
  const sent = rig.sent.length
  for (const status of [100, 183]) rig.coreRequest.respond(status)
  assert.equal(rig.sent.length, sent)
  rig.coreRequest.respond(202)
  assert.equal(rig.answer.status, 202)
})

test('without NATS what is registered goes on', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.store = 'away'
  rig.protected(set, subscribe())
  rig.coreRequest.respond(200)
  assert.equal(rig.answer.status, 200)
})

test('a core that is away is 503 with Retry-After, or 504', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(set, subscribe())
  rig.coreRequest.end({ kind: 'unreachable' })
  assert.equal(rig.answer.status, 503)
  assert.ok(rig.answer.headers.has('Retry-After'))
  rig.protected(set, subscribe())
  rig.coreRequest.end({ kind: 'timeout' })
  assert.equal(rig.answer.status, 504)
})

test('a response that one protected datagram cannot carry becomes 513 (readings, Access 1)', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(set, subscribe())
  rig.coreRequest.respond(200, [['X-Long', 'x'.repeat(8_500)]])
  assert.equal(rig.answer.status, 513)
})

test('a contact whose registration is long over may not send any more', async () => {
  const rig = new Rig()
  const set = await rig.register({ expires: 60 })
  rig.clock.advance(89_000)
  rig.protected(set, subscribe())
  rig.coreRequest.respond(200)
  assert.equal(rig.answer.status, 200)
  rig.clock.advance(1_000)
  const sent = rig.sent.length
  rig.protected(set, subscribe())
  assert.equal(rig.sent.length, sent)
  assert.equal(rig.drops('no-sa'), 1)
})

test('the UE is at the address of its SA, so its Via says that to the core', async () => {
  const rig = new Rig()
  const set = await rig.register()
  rig.protected(set, subscribe())
  assert.match(rig.coreRequest.request.headers.getAll('Via')[1] ?? '', new RegExp(`received=${UE}`))
  assert.deepEqual(grantHeaders()[1], ['Service-Route', SERVICE_ROUTE])
})
