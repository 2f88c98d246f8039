import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatNameAddr } from '../name-addr.ts'
import { refuses, sameAgain } from '../testing/same-again.ts'
import {
  formatAssertedIdentities,
  formatAssociatedUris,
  parseAssertedIdentities,
  parseAssociatedUris,
  parseCalledPartyId,
} from './identities.ts'

const FLUFFY = '"Cullen Jennings" <sip:fluffy@cisco.com>'

function asserted(...lines: string[]) {
  return parseAssertedIdentities(lines, 'P-Asserted-Identity')
}

test('P-Asserted-Identity has a SIP and a tel URI (the examples of RFC 3325 section 10.1)', () => {
  // RFC 3325 section 9.1
  const both = asserted(FLUFFY, 'tel:+14085264000')
  assert.deepEqual(
    both.map(({ displayName, uri }) => [displayName, uri]),
    [
      ['Cullen Jennings', 'sip:fluffy@cisco.com'],
      [undefined, 'tel:+14085264000'],
    ],
  )
  const written = sameAgain(both, formatAssertedIdentities, (text) => asserted(text))
  assert.equal(written, `${FLUFFY}, <tel:+14085264000>`)
  assert.deepEqual(asserted(), [])
  assert.equal(asserted('<TEL:+1>, <SIPS:a@b>').length, 2)
})

test('P-Preferred-Identity has the same grammar (RFC 3325 section 9.2)', () => {
  assert.equal(parseAssertedIdentities([FLUFFY], 'P-Preferred-Identity')[0]?.uri, 'sip:fluffy@cisco.com')
  refuses('P-Preferred-Identity', (text) => parseAssertedIdentities([text], 'P-Preferred-Identity'), [
    `${FLUFFY}, <sip:other@cisco.com>`,
  ])
})

test('two of a kind, and other schemes, are no asserted identities (RFC 3325 section 9.1)', () => {
  refuses('P-Asserted-Identity', (text) => asserted(...text.split('\n')), [
    '<sip:a@b>, <sip:c@d>',
    '<sip:a@b>\n<sips:c@d>',
    '<tel:+1>, <tel:+2>',
    '<sip:a@b>, <tel:+1>, <sip:c@d>',
    '<http://a/>',
    '<sip:a@b>,',
    'a@b',
    '*',
  ])
  const [sip] = asserted('<sip:a@b>')
  assert.ok(sip)
  assert.throws(() => formatAssertedIdentities([sip, sip]))
  assert.throws(() => formatAssertedIdentities([]))
})

test('P-Associated-URI lists identities, or none (RFC 7315 section 4.1)', () => {
  const text = '<sip:alice@ims.example.com>, "A" <tel:+15550100>;x=y'
  const identities = parseAssociatedUris([text])
  assert.equal(
    sameAgain(identities, formatAssociatedUris, (written) => parseAssociatedUris([written])),
    text,
  )
  assert.deepEqual(parseAssociatedUris(['']), [])
  assert.equal(formatAssociatedUris([]), '')
  // Two tel URIs before the first SIP URI, which another core writes wrongly.
  const uris = parseAssociatedUris(['<tel:+1>, <tel:+2>', 'sip:a@b']).map(({ uri }) => uri)
  assert.deepEqual(uris, ['tel:+1', 'tel:+2', 'sip:a@b'])
  refuses('P-Associated-URI', (value) => parseAssociatedUris([value]), ['<sip:a', '<sip:a>,', 'alice'])
})

test('P-Called-Party-ID is what the request was sent to (the example of RFC 7315 section 4.2)', () => {
  const called = parseCalledPartyId('sip:user1-business@example.com')
  assert.equal(sameAgain(called, formatNameAddr, parseCalledPartyId), '<sip:user1-business@example.com>')
  refuses('P-Called-Party-ID', parseCalledPartyId, ['', '<sip:a>, <sip:b>', 'user1'])
})
