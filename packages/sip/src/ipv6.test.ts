import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRequest } from './check-request.ts'
import { SipSyntaxError } from './errors.ts'
import { parseContacts } from './fields/contact.ts'
import type { SipRequest } from './message.ts'
import { topVia } from './message-fields.ts'
import { parseMessage } from './parse-message.ts'
import { formatSipUri, parseSipUri, sameSipUri } from './sip-uri.ts'
import { refuses } from './testing/same-again.ts'
import { wire } from './vectors/messages.ts'
import { formatVia, parseVia } from './via.ts'

/** RFC 5118 section 4.1, with another Request-URI and Via where the others differ. */
function register(o: { readonly uri?: string; readonly via?: string } = {}): SipRequest {
  const message = parseMessage(
    wire(`REGISTER ${o.uri ?? 'sip:[2001:db8::10]'} SIP/2.0
To: sip:user@example.com
From: sip:user@example.com;tag=81x2
Via: ${o.via ?? 'SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111'}
Call-ID: SSG9559905523997077@hlau_4100
Max-Forwards: 70
Contact: "Caller" <sip:caller@[2001:db8::1]>
CSeq: 98176 REGISTER
Content-Length: 0`),
  )
  assert.ok(message.kind === 'request')
  return message
}

test('IPv6 references stand in Request-URI, Via and Contact (RFC 5118 section 4.1)', () => {
  const request = register()
  const { via } = checkRequest(request)
  assert.deepEqual([via.host, via.port], ['[2001:db8::9:1]', undefined])
  assert.equal(parseSipUri(request.uri).host, '[2001:db8::10]')
  const contacts = parseContacts(request.headers.getAll('Contact'))
  assert.ok(contacts !== '*')
  assert.equal(parseSipUri(contacts[0]?.uri ?? '').host, '[2001:db8::1]')
})

test('an IPv6 address without brackets is no host (RFC 5118 section 4.2)', () => {
  assert.throws(() => checkRequest(register({ uri: 'sip:2001:db8::10' })), SipSyntaxError)
  assert.throws(() => checkRequest(register({ via: 'SIP/2.0/UDP 2001:db8::9:1;branch=z9hG4bKa' })), SipSyntaxError)
})

test('what stands in the brackets is address, what stands behind is port (RFC 5118 section 4.3)', () => {
  const inside = parseSipUri('sip:[2001:db8::10:5070]')
  assert.deepEqual([inside.host, inside.port], ['[2001:db8::10:5070]', undefined])
  // RFC 5118 section 4.4
  const behind = parseSipUri('sip:[2001:db8::10]:5070')
  assert.deepEqual([behind.host, behind.port], ['[2001:db8::10]', 5070])
  assert.equal(formatSipUri(behind), 'sip:[2001:db8::10]:5070')
  assert.ok(!sameSipUri('sip:[2001:db8::10:5070]', 'sip:[2001:db8::10]:5070'))
  assert.ok(sameSipUri('sip:a@[2001:DB8::10]', 'sip:a@[2001:db8::10]'))
})

test('received is read with brackets and without (RFC 5118 section 4.5)', () => {
  for (const received of ['[2001:db8::9:255]', '2001:db8::9:255']) {
    const text = `SIP/2.0/UDP [2001:db8::9:1];received=${received};branch=z9hG4bKas3-111`
    const via = topVia(register({ via: text }))
    assert.equal(via.params.get('received'), received)
    assert.equal(formatVia(via), text)
  }
})

test('an IPv4-mapped address is one, and so is what the grammar lets through (RFC 5118 section 4.9)', () => {
  assert.equal(parseVia('SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19').port, 19_823)
  // RFC 5118 section 4.10: three colons, by a slip of the RFC's grammar. Choice: what is no address leads nowhere later.
  assert.equal(parseSipUri('sip:user@[2001:db8:::192.0.2.1]').host, '[2001:db8:::192.0.2.1]')
})

test('brackets without an address are refused (RFC 3261 section 25.1)', () => {
  refuses('URI', parseSipUri, [
    'sip:[]',
    'sip:[a',
    'sip:[12]',
    'sip:[2001:db8::1',
    'sip:[2001:db8::g]',
    'sip:[::1]5060',
  ])
  refuses('Via', parseVia, ['SIP/2.0/UDP [::1', 'SIP/2.0/UDP [::1]:', 'SIP/2.0/UDP [::1]:x', 'SIP/2.0/UDP []'])
})
