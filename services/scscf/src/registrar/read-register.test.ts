import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createEnvelope } from '@rollcall/runtime'
import { createRequest, type SipRequest } from '@rollcall/sip'
import { ALICE, PCSCF_HOST, PHONE, REALM } from '../testing/fixtures.ts'
import { type RegisterReading, readRegister } from './read-register.ts'

const RULES = { realm: REALM, expiresSecondsMin: 60 }
const SA: Partial<Envelope> = { accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN, impi: PHONE }

/** A REGISTER as the P-CSCF sends it on; a header of undefined is left out. */
function sip(headers: Record<string, string | undefined> = {}, uri = `sip:${REALM}`): SipRequest {
  const all: Record<string, string | undefined> = {
    Via: `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKp, SIP/2.0/UDP 10.0.0.1:5060;branch=z9hG4bKu;received=127.0.1.1;rport=15060`,
    From: `<${ALICE}>;tag=f`,
    To: `<${ALICE}>`,
    'Call-ID': 'call-1',
    CSeq: '1 REGISTER',
    Contact: '<sip:127.0.1.1:15060>;+sip.instance="<urn:gsma:imei:1>";expires=3600',
    Path: `<sip:token@${PCSCF_HOST};lr>`,
    Authorization: `Digest username="${PHONE}",realm="${REALM}",uri="sip:${REALM}",nonce="",response="",integrity-protected="no"`,
    ...headers,
  }
  const entries = Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as const]))
  return createRequest('REGISTER', uri, entries)
}

function read(headers: Record<string, string | undefined> = {}, envelope: Partial<Envelope> = {}): RegisterReading {
  return readRegister(sip(headers), createEnvelope(envelope), RULES)
}

function requestOf(reading: RegisterReading) {
  assert.ok(reading.ok, reading.ok ? '' : reading.refusal.reason)
  return reading.request
}

function credentials(rest: string): string {
  return `Digest username="${PHONE}", realm="${REALM}", uri="sip:${REALM}"${rest}`
}

test('an initial REGISTER is read as the P-CSCF sent it (TS 24.229 clause 5.4.1.2.1)', () => {
  const request = requestOf(read())
  assert.equal(request.impi, PHONE)
  assert.equal(request.impu, ALICE)
  assert.deepEqual(request.source, { host: '127.0.1.1', port: 15_060 })
  assert.equal(request.isProtected, false)
  assert.deepEqual(request.authorization, { kind: 'none' })
  assert.equal(request.expiresSeconds, 3_600)
  assert.deepEqual(request.path, [`<sip:token@${PCSCF_HOST};lr>`])
  assert.deepEqual(request.contact, {
    kind: 'some',
    instance: '<urn:gsma:imei:1>',
    bindings: [
      {
        uri: 'sip:127.0.1.1:15060',
        value: '<sip:127.0.1.1:15060>;+sip.instance="<urn:gsma:imei:1>"',
        expiresSeconds: 3_600,
      },
    ],
    hasRegId: false,
  })
})

test('without credentials the IMPI comes from the IMPU (TS 24.229 clause 5.4.1.2.1)', () => {
  const request = requestOf(read({ Authorization: undefined }))
  assert.equal(request.impi, `alice@${REALM}`)
})

test('protected is what envelope and P-CSCF both say, for this IMPI, and nothing else (TS 24.229 clause 7.2A.2)', () => {
  const yes = credentials(',nonce="n",response="r",integrity-protected="yes"')
  const bare = credentials(',nonce="n",response="r",integrity-protected=yes')
  const rows: [string, Partial<Envelope>, boolean][] = [
    [yes, SA, true],
    [bare, SA, true],
    [yes, { ...SA, accessSecurity: AccessSecurity.ACCESS_SECURITY_IPSEC_3GPP }, true],
    [yes, { ...SA, accessSecurity: AccessSecurity.ACCESS_SECURITY_NONE }, false],
    [yes, {}, false],
    [yes, { accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN }, false],
    [credentials(',nonce="n",response="r",integrity-protected="no"'), SA, false],
    [credentials(',nonce="n",response="r",integrity-protected="tls-yes"'), SA, false],
    [credentials(',nonce="n",response="r",integrity-protected="tls-pending"'), SA, false],
    [credentials(',nonce="n",response="r",integrity-protected="tls-connected"'), SA, false],
    [credentials(',nonce="n",response="r",integrity-protected="ip-assoc-pending"'), SA, false],
    [credentials(',nonce="n",response="r",integrity-protected="ip-assoc-yes"'), SA, false],
    [credentials(',nonce="n",response="r",integrity-protected="auth-done"'), SA, false],
    [credentials(',nonce="n",response="r",integrity-protected=""'), SA, false],
    [credentials(',nonce="n",response="r"'), SA, false],
  ]
  for (const [Authorization, envelope, expected] of rows) {
    assert.equal(requestOf(read({ Authorization }, envelope)).isProtected, expected, Authorization)
  }
})

test('an IMPI that the security association does not belong to is refused, protected or not', () => {
  for (const mark of ['yes', 'no']) {
    const Authorization = `Digest username="mallory@${REALM}",realm="r",uri="sip:x",nonce="n",integrity-protected="${mark}"`
    const reading = read({ Authorization }, SA)
    assert.ok(!reading.ok)
    assert.equal(reading.refusal.reason, 'impi-mismatch')
  }
})

test('what the credentials hold is told apart (a known mistake of other stacks)', () => {
  const rows: [string, string][] = [
    [',nonce="",response=""', 'none'],
    [',response="r"', 'none'],
    [',nonce="n",response="0f"', 'response'],
    [',nonce="n",response=""', 'no-response'],
    [',nonce="n"', 'no-response'],
    [',nonce="n",auts="a"', 'resynchronise'],
    [',nonce="n",response="",auts="a"', 'resynchronise'],
    [',nonce="n",response="0f",auts="a"', 'resynchronise'],
  ]
  for (const [rest, kind] of rows) {
    assert.equal(requestOf(read({ Authorization: credentials(rest) })).authorization.kind, kind, rest)
  }
})

test('the Contact’s own expires is stronger than the header field (RFC 3261 section 10.2.1.1)', () => {
  const rows: [string, string | undefined, number | undefined][] = [
    ['<sip:a@127.0.1.1>;expires=100', '200', 100],
    ['<sip:a@127.0.1.1>', '200', 200],
    ['<sip:a@127.0.1.1>', undefined, undefined],
    ['<sip:a@127.0.1.1>;expires=0', '200', 0],
    ['*', '0', 0],
  ]
  for (const [Contact, Expires, expected] of rows) {
    assert.equal(requestOf(read({ Contact, Expires })).expiresSeconds, expected, Contact)
  }
})

test('what is wrong with a REGISTER has its own answer', () => {
  const rows: [string, Record<string, string | undefined>][] = [
    ['bad-extension', { Require: 'path, sec-agree' }],
    ['not-sip-identity', { To: '<tel:+15550100>' }],
    ['contact-count', { Contact: undefined }],
    ['contact-count', { Contact: Array.from({ length: 9 }, (_, i) => `<sip:a@127.0.1.${i}>`).join(', ') }],
    ['contact-instances', { Contact: '<sip:a@127.0.1.1>;+sip.instance="<a>", <sip:b@127.0.1.1>' }],
    ['malformed', { Contact: '<sip:a@127.0.1.1>, <sip:a@127.0.1.1;x=y>' }],
    ['malformed', { Contact: '*, <sip:a@127.0.1.1>', Expires: '0' }],
    ['interval-too-brief', { Contact: '<sip:a@127.0.1.1>;expires=600, <sip:b@127.0.1.1>;expires=59' }],
    ['interval-too-brief', { Contact: '<sip:a@127.0.1.1>;expires=59' }],
    ['path-missing', { Path: undefined }],
    ['malformed', { Contact: '*' }],
    ['malformed', { Contact: '<http://a>' }],
    ['malformed', { Contact: '<sip:a@127.0.1.1>;expires=x' }],
    ['malformed', { Authorization: 'Digest' }],
    ['malformed', { Authorization: 'Digest username="no impi"' }],
    ['malformed', { To: '<sip:127.0.0.1>' }],
  ]
  for (const [reason, headers] of rows) {
    const reading = read(headers)
    assert.ok(!reading.ok, JSON.stringify(headers))
    assert.equal(reading.refusal.reason, reason, JSON.stringify(headers))
  }
  const foreign = readRegister(sip({}, 'sip:elsewhere.example'), createEnvelope(), RULES)
  assert.ok(!foreign.ok && foreign.refusal.reason === 'foreign-domain')
})

test('the answer to an interval that is too brief names the shortest, to an extension the unknown ones', () => {
  const brief = read({ Contact: '<sip:a@127.0.1.1>;expires=59' })
  assert.deepEqual(brief.ok || brief.refusal.headers, [['Min-Expires', '60']])
  const extension = read({ Require: 'path, sec-agree, x' })
  assert.deepEqual(extension.ok || extension.refusal.headers, [['Unsupported', 'sec-agree, x']])
})

test('a retransmission has the key of the first; another source, protection or branch has not', () => {
  const key = (reading: RegisterReading) => JSON.stringify(requestOf(reading).key)
  const first = key(read())
  const via = (rest: string) => ({
    Via: `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKother, SIP/2.0/UDP 10.0.0.1:5060;${rest}`,
  })
  assert.equal(key(read(via('branch=z9hG4bKu;received=127.0.1.1;rport=15060'))), first)
  const others = [
    read(via('branch=z9hG4bKv;received=127.0.1.1;rport=15060')),
    read(via('branch=z9hG4bKu;received=127.0.9.9;rport=15060')),
    read(via('branch=z9hG4bKu;received=127.0.1.1;rport=15061')),
    read({ CSeq: '2 REGISTER' }),
    read({ 'Call-ID': 'call-2' }),
    read({ Authorization: credentials(',nonce="n",response="r",integrity-protected="yes"') }, SA),
  ]
  assert.equal(new Set([first, ...others.map(key)]).size, others.length + 1)
})
