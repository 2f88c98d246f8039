import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '@rollcall/core'
import {
  createRequest,
  parseContentType,
  parseMessage,
  parseMultipart,
  type SipRequest,
  serializeMessage,
} from '@rollcall/sip'
import { ALICE, PRESENCE_HOST, REALM, SCSCF_HOST } from '../testing/fixtures.ts'
import { type ThirdPartyRegister, writeThirdPartyRegister } from './third-party-register.ts'

const NOTHING = { serviceInfo: '', includesRequest: false, includesResponse: false }

const UES_REGISTER = createRequest('REGISTER', `sip:${REALM}`, [
  ['Via', 'SIP/2.0/UDP 127.0.1.1:15066;branch=z9hG4bKu'],
  ['From', `<${ALICE}>;tag=a`],
  ['To', `<${ALICE}>`],
  ['Call-ID', 'ue-1'],
  ['CSeq', '2 REGISTER'],
  ['Contact', '<sip:alice@127.0.1.1:15066>'],
  ['Authorization', 'Digest username="x", response="0123", integrity-protected="yes"'],
  ['P-Access-Network-Info', '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101'],
  ['P-Visited-Network-ID', '"visited.example"'],
  ['P-Charging-Vector', 'icid-value=abc;icid-generated-at=192.0.2.1;orig-ioi="Type 1visited";term-ioi="Type 1home"'],
])

const OCCASION = { sip: UES_REGISTER, answer: { toTag: 'r', headers: [['Service-Route', '<sip:orig@s;lr>']] as const } }

function write(changes: Partial<ThirdPartyRegister> = {}, isTrusted = true): SipRequest {
  const register = {
    serverName: `sip:${PRESENCE_HOST};lr`,
    contents: NOTHING,
    impu: ALICE,
    expiresSeconds: 3_600,
    occasion: OCCASION,
    ...changes,
  }
  const request = writeThirdPartyRegister(register, {
    host: SCSCF_HOST,
    realm: REALM,
    random: seededRandom('third-party'),
    isTrusted,
  })
  request.headers.prepend('Via', `SIP/2.0/TLS ${SCSCF_HOST};branch=z9hG4bK1`)
  const parsed = parseMessage(serializeMessage(request))
  assert.equal(parsed.kind, 'request')
  return parsed as SipRequest
}

test('the S-CSCF registers itself in the user’s name, and no contact of the user (TS 24.229 clause 5.4.1.7)', () => {
  const { uri, headers, body } = write()
  assert.equal(uri, `sip:${PRESENCE_HOST}`)
  assert.match(headers.get('From') ?? '', new RegExp(`^<sip:${SCSCF_HOST}>;tag=`))
  assert.equal(headers.get('To'), `<${ALICE}>`)
  assert.equal(headers.get('Contact'), `<sip:${SCSCF_HOST}>`)
  assert.equal(headers.get('Expires'), '3600')
  assert.notEqual(headers.get('Call-ID'), 'ue-1')
  assert.equal(headers.get('P-Access-Network-Info'), '3GPP-E-UTRAN-FDD;utran-cell-id-3gpp=00101')
  assert.equal(headers.get('P-Visited-Network-ID'), '"visited.example"')
  const vector = headers.get('P-Charging-Vector') ?? ''
  assert.match(vector, /icid-value=abc/)
  assert.match(vector, new RegExp(`orig-ioi="Type 3${REALM}"`))
  assert.doesNotMatch(vector, /term-ioi/)
  // Row 20 of the known mistakes is a broken P-Associated-URI: there is none here (note 1 of the clause).
  assert.ok(!headers.has('P-Associated-URI'))
  assert.ok(!headers.has('Authorization'))
  assert.equal(body.length, 0)
})

test('other parameters of the server’s name stay when `lr` goes', () => {
  assert.equal(write({ serverName: 'sip:as.example.com:5070;lr;x=1' }).uri, 'sip:as.example.com:5070;x=1')
  assert.equal(write({ serverName: 'sip:as.example.com;x=1;lr' }).uri, 'sip:as.example.com;x=1')
  assert.equal(write({ serverName: 'sip:as.example.com' }).uri, 'sip:as.example.com')
})

test('an application server outside of the trust domain hears nothing of the access, nor any message (TS 24.229 clause 4.4)', () => {
  const { headers, body } = write(
    { contents: { serviceInfo: '', includesRequest: true, includesResponse: true } },
    false,
  )
  for (const name of ['P-Access-Network-Info', 'P-Visited-Network-ID', 'P-Charging-Vector'])
    assert.ok(!headers.has(name))
  assert.equal(body.length, 0)
})

test('service information goes along as 3gpp-ims+xml (TS 24.229 clause 7.6)', () => {
  const { headers, body } = write({ contents: { ...NOTHING, serviceInfo: 'a<b & c' }, occasion: undefined })
  assert.equal(headers.get('Content-Type'), 'application/3gpp-ims+xml')
  assert.match(body.toString(), /<ims-3gpp version="1"><service-info>a&lt;b &amp; c<\/service-info><\/ims-3gpp>$/)
})

test('the REGISTER and its 200 go along when the filter says so, several parts as multipart/mixed, without credentials', () => {
  const one = write({ contents: { ...NOTHING, includesRequest: true } })
  assert.equal(one.headers.get('Content-Type'), 'message/sip')
  const within = parseMessage(one.body)
  assert.equal(within.headers.get('Call-ID'), 'ue-1')
  assert.ok(!within.headers.has('Authorization'))

  const all = write({ contents: { serviceInfo: 'info', includesRequest: true, includesResponse: true } })
  const contentType = parseContentType(all.headers.get('Content-Type') ?? '')
  assert.equal(contentType.subtype, 'mixed')
  const parts = parseMultipart(all.body, contentType)
  assert.deepEqual(
    parts.map(({ headers }) => headers.get('Content-Type')),
    ['application/3gpp-ims+xml', 'message/sip', 'message/sip'],
  )
  const response = parseMessage(parts[2]?.body ?? Buffer.alloc(0))
  assert.equal(response.kind === 'response' && response.status, 200)
  assert.equal(response.headers.get('Service-Route'), '<sip:orig@s;lr>')
})
