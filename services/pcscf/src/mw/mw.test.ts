import assert from 'node:assert/strict'
import test from 'node:test'
import { parseAuth, SipHeaders } from '@rollcall/sip'
import { CK, IK, NONCE } from '../testing/messages.ts'
import { takeChallengeKeys } from './challenge-keys.ts'
import { setIntegrityProtected, stripFromUe, stripToUe } from './trust-boundary.ts'

function challenges(...values: string[]): SipHeaders {
  return new SipHeaders(values.map((value) => ['WWW-Authenticate', value] as const))
}

test('ck and ik leave every challenge, whatever their case, place and quotes (TS 24.229 clause 5.2.2.2; mistake 6)', () => {
  const headers = challenges(
    `Digest realm="x",nonce="${NONCE}",algorithm=AKAv1-MD5,CK="${CK}",ik=${IK}`,
    `Digest ik="${IK}",realm="y",nonce="other",ck="${CK.toUpperCase()}"`,
    'not a challenge ck="00"',
  )
  headers.add('Proxy-Authenticate', `Digest realm="z",nonce="n",ck="${CK}",ik="${IK}"`)
  const keys = takeChallengeKeys(headers)
  assert.equal(keys?.ck.reveal().toString('hex'), CK)
  assert.equal(keys?.ik.reveal().toString('hex'), IK)
  assert.equal(keys?.nonce, NONCE)
  assert.doesNotMatch(JSON.stringify([...headers.entries()]), new RegExp(`${CK}|${IK}|[ci]k=`, 'i'))
  assert.equal(headers.getAll('WWW-Authenticate').length, 2)
})

test('keys are taken only if both are whole: 128 bits each (mistake 5)', () => {
  const cases = [
    `ck="${CK}"`,
    `ik="${IK}"`,
    `ck="",ik="${IK}"`,
    `ck="${CK}",ik="${IK.slice(1)}"`,
    `ck="${CK}0",ik="${IK}"`,
    `ck="${'g'.repeat(32)}",ik="${IK}"`,
  ]
  for (const params of cases) {
    assert.equal(takeChallengeKeys(challenges(`Digest realm="x",nonce="${NONCE}",${params}`)), undefined, params)
  }
  assert.equal(takeChallengeKeys(challenges(`Digest realm="x",ck="${CK}",ik="${IK}"`)), undefined)
})

test('integrity-protected is ours in every Authorization, quoted, whatever the UE wrote (TS 24.229 clause 7.2A.2; mistake 13)', () => {
  const headers = new SipHeaders([
    ['Authorization', 'Digest username="a",integrity-protected=yes,realm="x"'],
    ['Authorization', 'Other token=x,Integrity-Protected="yes"'],
    ['Proxy-Authorization', 'Digest username="a",integrity-protected="yes"'],
  ])
  setIntegrityProtected(headers, 'no')
  for (const line of headers.getAll('Authorization')) {
    assert.deepEqual(parseAuth(line).params.get('integrity-protected'), { value: 'no', quoted: true })
  }
  assert.equal(headers.get('Proxy-Authorization'), 'Digest username="a"')
  setIntegrityProtected(headers, undefined)
  assert.doesNotMatch(JSON.stringify([...headers.entries()]), /integrity/i)
})

test('a UE may say nothing that only the trust domain says, in no spelling (TS 24.229 clause 4.4)', () => {
  const names = ['p-asserted-identity', 'P-Charging-Vector', 'P-Served-User', 'path', 'RECORD-ROUTE', 'Service-Route']
  const headers = new SipHeaders([...names.map((name) => [name, '<sip:x@y>'] as const), ['Privacy', 'id']])
  stripFromUe(headers, false)
  assert.deepEqual([...headers.entries()], [['Privacy', 'id']])
})

test('the trust boundary has both sides of TS 24.229 clause 4.4: what a UE may not say, and what it is not told', () => {
  const fromTrustedAlone = [
    'P-Asserted-Identity',
    'P-Asserted-Service',
    'P-Charging-Vector',
    'P-Charging-Function-Addresses',
    'P-Visited-Network-ID',
    'P-User-Database',
    'P-Profile-Key',
    'P-Served-User',
    'P-Private-Network-Indication',
    'P-Called-Party-ID',
    'P-Associated-URI',
    'P-Media-Authorization',
    'Response-Source',
    'Restoration-Info',
    'Relayed-Charge',
    'Service-Interact-Info',
    'Cellular-Network-Info',
  ]
  const headers = (): SipHeaders => new SipHeaders(fromTrustedAlone.map((name) => [name, 'x;y=z'] as const))
  const said = headers()
  stripFromUe(said, true)
  assert.deepEqual([...said.entries()], [])
  const told = headers()
  told.add('P-Access-Network-Info', '3GPP-NR;network-provided')
  stripToUe(told)
  // A UE is told who calls, whom he called, and what it may call itself.
  const kept = ['P-Asserted-Identity', 'P-Called-Party-ID', 'P-Associated-URI', 'P-Media-Authorization']
  assert.deepEqual([...told.entries()].map(([name]) => name).sort(), kept.sort())
})

test('P-Access-Network-Info of a UE is believed only from inside its SA, and never as the network’s (TS 24.229 clause 5.1.1.2.1)', () => {
  const given = [
    ['P-Access-Network-Info', '3GPP-GERAN'],
    ['P-Access-Network-Info', '3GPP-GERAN; Network-Provided'],
  ] as const
  const unprotected = new SipHeaders(given)
  stripFromUe(unprotected, false)
  assert.equal(unprotected.size, 0)
  const inSa = new SipHeaders(given)
  stripFromUe(inSa, true)
  assert.deepEqual(inSa.getAll('P-Access-Network-Info'), ['3GPP-GERAN'])
  const unreadable = new SipHeaders([['P-Access-Network-Info', '3GPP-GERAN;;network-provided']])
  stripFromUe(unreadable, true)
  assert.equal(unreadable.size, 0)
})

test('Privacy hides the asserted identity only when it says id (RFC 3325 section 7)', () => {
  for (const [privacy, isHidden] of [
    ['id', true],
    ['header;id', true],
    ['ID ; user', true],
    ['none', false],
    ['header', false],
    ['identity', false],
    ['critical;id', true],
    ['id;;', true],
  ] as const) {
    const headers = new SipHeaders([
      ['P-Asserted-Identity', '<sip:a@b>'],
      ['Privacy', privacy],
    ])
    stripToUe(headers)
    assert.equal(!headers.has('P-Asserted-Identity'), isHidden, privacy)
  }
})
