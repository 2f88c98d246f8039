import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipSyntaxError } from './errors.ts'
import { createRequest, createResponse, type SipRequest } from './message.ts'
import { parseMessage } from './parse-message.ts'
import { serializeMessage } from './serialize-message.ts'
import { REGISTER_WITH_OFFERS, RFC3261_REGISTER, SUBSCRIBE, wire } from './vectors/messages.ts'

function parseRequest(head: string, body = ''): SipRequest {
  return parseMessage(wire(head, body)) as SipRequest
}

test('a message in the usual spelling leaves octet for octet as it came', () => {
  for (const head of [
    RFC3261_REGISTER,
    `${SUBSCRIBE}\nContent-Length: 0`,
    `${REGISTER_WITH_OFFERS}\nContent-Length: 0`,
  ]) {
    assert.deepEqual(serializeMessage(parseRequest(head)).toString('latin1'), wire(head).toString('latin1'))
  }
  const octets = wire(`${SUBSCRIBE}\nX-Odd: \xff\x01\xc3\xa0\nContent-Length: 4`, '\0\r\n\xff')
  assert.deepEqual(serializeMessage(parseMessage(octets)), octets)
})

test('Content-Length is that of the body, whatever was set', () => {
  const request = createRequest('PUBLISH', 'sip:a', [['Content-Length', '99']], Buffer.from('body'))
  request.headers.set('l', '98')
  assert.equal(serializeMessage(request).toString(), 'PUBLISH sip:a SIP/2.0\r\nContent-Length: 4\r\n\r\nbody')
})

test('a start line cannot carry a second line', () => {
  for (const uri of ['sip:a\r\nX: y', 'sip:a b', '', 'sip:\u010a', 'sip:a\0']) {
    assert.throws(() => createRequest('OPTIONS', uri), SipSyntaxError)
  }
  assert.throws(() => createRequest('OPTI ONS', 'sip:a'), SipSyntaxError)
  const request = createRequest('OPTIONS', 'sip:a')
  request.uri = 'sip:a\r\nX: y'
  assert.throws(() => serializeMessage(request), SipSyntaxError)
  assert.throws(() => createResponse(request, 200, { reason: 'O\nK' }), SipSyntaxError)
})

test('a response copies Via, From, To, Call-ID and CSeq, and tags To (RFC 3261 section 8.2.6.2)', () => {
  // RFC 3261 section 8.2.6
  const response = createResponse(parseRequest(SUBSCRIBE), 423, {
    toTag: 'x9',
    headers: [['Min-Expires', '60']],
  })
  assert.equal(
    serializeMessage(response).toString('latin1'),
    wire(`SIP/2.0 423 Interval Too Brief
Via: SIP/2.0/UDP pcscf-0.pcscf.ims.example.com:15064;branch=z9hG4bK8d1e52d2a9b14e26
Via: SIP/2.0/UDP 127.0.1.1:15066;branch=z9hG4bKnashds7a83bb2e;rport=15065;received=127.0.1.1
From: "Alice \\"A\\"" <sip:alice@ims.example.com>;tag=1928301774
To: <sip:bob@ims.example.com>;tag=x9
Call-ID: a84b4c76e66710@127.0.1.1
CSeq: 314159 SUBSCRIBE
Min-Expires: 60
Content-Length: 0`).toString('latin1'),
  )
})

test('a To that has a tag keeps it, whatever its letters look like (RFC 3261 section 8.2.6.2)', () => {
  for (const to of ['<sip:bob@b>;tag=1', '<sip:bob@b> ; TAG = 1', '"tag" <sip:b;tag=0>;x=y;tag=1', 'sip:b;tag=1']) {
    const response = createResponse(createRequest('SUBSCRIBE', 'sip:b', [['To', to]]), 200, { toTag: 'mine' })
    assert.equal(response.headers.get('To'), to)
  }
  for (const to of ['<sip:bob@b;tag=1>', '";tag=1" <sip:b>', 'sip:bob@b']) {
    const response = createResponse(createRequest('SUBSCRIBE', 'sip:b', [['To', to]]), 200, { toTag: 'mine' })
    assert.equal(response.headers.get('To'), `${to};tag=mine`)
  }
})

test('a request of which little could be read is answered with what there is', () => {
  const response = createResponse(createRequest('OPTIONS', 'sip:a', [['To', '<<']]), 400, { toTag: 'x' })
  assert.equal(serializeMessage(response).toString(), 'SIP/2.0 400 Bad Request\r\nTo: <<\r\nContent-Length: 0\r\n\r\n')
})
