import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipSyntaxError } from './errors.ts'
import { createRequest, createResponse, type SipRequest } from './message.ts'
import { cseq, entityTag, event, optionTags, tokens } from './message-fields.ts'
import { parseMessage } from './parse-message.ts'
import { serializeMessage } from './serialize-message.ts'
import { wire } from './vectors/messages.ts'

function parse(head: string): SipRequest {
  const message = parseMessage(wire(head))
  assert.ok(message.kind === 'request')
  return message
}

test('UPDATE is a method like others, and Allow names it (RFC 3311 section 5.1)', () => {
  const update = parse(`UPDATE sip:bob@client.biloxi.com SIP/2.0
Via: SIP/2.0/TCP client.atlanta.com:5060;branch=z9hG4bK74bf9
From: <sip:a@atlanta.com>;tag=1
To: <sip:bob@biloxi.com>;tag=2
Call-ID: 1
CSeq: 10197 UPDATE
Allow: INVITE, ACK, BYE, CANCEL, UPDATE`)
  assert.deepEqual(cseq(update), { sequence: 10197, method: 'UPDATE' })
  assert.ok(tokens(update, 'Allow').includes('UPDATE'))
  assert.deepEqual(tokens(createRequest('OPTIONS', 'sip:a', [['Allow', '']]), 'Allow'), [])
  assert.equal(createResponse(update, 504).reason, 'Server Time-out')
})

test('a publication is found by its entity-tag (the messages of RFC 3903 section 15)', () => {
  // RFC 3903 section 11.3
  const publish = parse(`PUBLISH sip:presentity@example.com SIP/2.0
Via: SIP/2.0/UDP pua.example.com;branch=z9hG4bK771ash02
To: <sip:presentity@example.com>
From: <sip:presentity@example.com>;tag=1234kljk
Call-ID: 98798798@pua.example.com
CSeq: 1 PUBLISH
Max-Forwards: 70
SIP-If-Match: dx200xyz
Expires: 1800
Event: presence
Content-Length: 0`)
  assert.equal(entityTag(publish, 'SIP-If-Match'), 'dx200xyz')
  const ok = createResponse(publish, 200, { headers: [['SIP-ETag', 'kwj449x']] })
  assert.equal(entityTag(parseMessage(serializeMessage(ok)), 'SIP-ETag'), 'kwj449x')
  assert.equal(entityTag(ok, 'SIP-If-Match'), undefined)
  assert.equal(createResponse(publish, 412).reason, 'Conditional Request Failed')
})

test('Event has a compact form, Allow-Events too (RFC 6665 section 8.2.1)', () => {
  const subscribe = parse('SUBSCRIBE sip:a@b SIP/2.0\no: presence.winfo;id=2\nu: presence, presence.winfo\nu: reg')
  assert.equal(event(subscribe).package, 'presence.winfo')
  // RFC 6665 section 8.2.2
  assert.deepEqual(tokens(subscribe, 'Allow-Events'), ['presence', 'presence.winfo', 'reg'])
  assert.equal(createResponse(subscribe, 489).reason, 'Bad Event')
  // RFC 6665 section 8.3.2
  assert.throws(() => tokens(parse('SUBSCRIBE sip:a@b SIP/2.0\nu: pres ence'), 'Allow-Events'), SipSyntaxError)
})

test('option tags of extensions are compared as tokens (RFC 3327 section 3)', () => {
  const register = parse('REGISTER sip:a SIP/2.0\nRequire: Path\nk: path, sec-agree\nSupported: outbound, gruu')
  assert.deepEqual(optionTags(register, 'Require'), ['path'])
  assert.deepEqual(optionTags(register, 'Supported'), ['path', 'sec-agree', 'outbound', 'gruu'])
})
