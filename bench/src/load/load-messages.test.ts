import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRequest, parseMessage, type SipRequest } from '@rollcall/sip'
import { PIDF_OCTETS, PublishMessages, SubscribeMessages } from './load-messages.ts'
import { branchOf, cseqOf, ifMatchLineOf, isNotify, isResponse, serialOf, statusOf, writeOk } from './read-message.ts'

const NUMBERS = { branch: 20_000_000_017, serial: 17, port: 40_001 }

function parsed(octets: Buffer, end: number): SipRequest {
  const message = parseMessage(octets.subarray(0, end))
  assert.equal(message.kind, 'request')
  assert(message.kind === 'request')
  checkRequest(message)
  return message
}

test('a PUBLISH is one, with a document as long as the one that the peer was measured with', () => {
  const octets = Buffer.alloc(2_048)
  const tag = Buffer.from('SIP-If-Match: abc.1\r\n')
  const request = parsed(octets, new PublishMessages('127.0.0.1', 'ff00aa').write(octets, 42, NUMBERS, tag))
  assert.equal(request.uri, 'sip:u00000042@example.com')
  assert.equal(request.headers.get('SIP-If-Match'), 'abc.1')
  assert.equal(request.headers.get('Via'), 'SIP/2.0/UDP 127.0.0.1:40001;branch=z9hG4bK00020000000017rff00aa;rport')
  assert.equal(request.body.length, PIDF_OCTETS)
  assert.equal(PIDF_OCTETS, 473)
  const body = request.body.toString('latin1')
  assert(body.includes('entity="sip:u00000042@example.com"'))
  assert(body.includes('change 0000000017'))
})

test('an initial PUBLISH has no entity-tag, whatever was written there before', () => {
  const octets = Buffer.alloc(2_048)
  const messages = new PublishMessages('127.0.0.1', 'ff00aa')
  messages.write(octets, 1, NUMBERS, Buffer.from('SIP-If-Match: longer-than-nothing\r\n'))
  const request = parsed(octets, messages.write(octets, 2, NUMBERS, undefined))
  assert.equal(request.headers.get('SIP-If-Match'), undefined)
  assert.equal(request.uri, 'sip:u00000002@example.com')
})

test('a SUBSCRIBE is one, and its NOTIFY is told by its Call-ID', () => {
  const octets = Buffer.alloc(2_048)
  const request = parsed(octets, new SubscribeMessages('127.0.0.1', 'ff00aa').write(octets, 42, NUMBERS))
  assert.equal(request.headers.get('Contact'), '<sip:w0000000017@127.0.0.1:40001>')
  const callId = request.headers.get('Call-ID') ?? ''
  const notify = Buffer.from(`NOTIFY sip:w SIP/2.0\r\nCall-ID: ${callId}\r\nCSeq: 65537 NOTIFY\r\n\r\n`)
  assert(isNotify(notify))
  assert.equal(serialOf(notify), 17)
  assert.equal(cseqOf(notify), 65_537)
})

test('a response is told by its branch, and gives its entity-tag', () => {
  const response = Buffer.from(
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1:40001;branch=z9hG4bK00020000000017rff00aa;rport=5\r\nSIP-ETag: x.7\r\n\r\n',
  )
  assert(isResponse(response))
  assert.equal(statusOf(response), 200)
  assert.equal(branchOf(response), NUMBERS.branch)
  assert.equal(ifMatchLineOf(response)?.toString(), 'SIP-If-Match: x.7\r\n')
  assert.equal(branchOf(Buffer.from('SIP/2.0 200 OK\r\n\r\n')), Number.NaN)
})

test('the 200 to a NOTIFY has what must come back and no body (RFC 3261 section 8.2.6.2)', () => {
  const head =
    'NOTIFY sip:w@h SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b\r\nTo: <sip:w>;tag=1\r\n'
  const rest =
    'From: <sip:u>;tag=2\r\nCSeq: 7 NOTIFY\r\nCall-ID: w1\r\nContact: <sip:p>\r\nContent-Type: text/plain\r\n'
  const into = Buffer.alloc(2_048)
  const length = writeOk(into, Buffer.from(`${head}${rest}Content-Length: 9\r\n\r\nVia: body`))
  assert.equal(
    into.toString('latin1', 0, length),
    'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nVia: SIP/2.0/UDP b\r\nTo: <sip:w>;tag=1\r\n' +
      'From: <sip:u>;tag=2\r\nCSeq: 7 NOTIFY\r\nCall-ID: w1\r\nContent-Length: 0\r\n\r\n',
  )
})
