import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipParseError, type SipParseErrorCode } from './errors.ts'
import { DEFAULT_SIP_LIMITS, URI_OCTETS_MAX } from './limits.ts'
import type { SipRequest, SipResponse } from './message.ts'
import { from, topVia } from './message-fields.ts'
import { parseMessage } from './parse-message.ts'
import { RFC3261_OK, RFC3261_REGISTER, SUBSCRIBE, TORTUOUS_SUBSCRIBE, wire } from './vectors/messages.ts'
import { parseVia } from './via.ts'

function parseRequest(bytes: Buffer): SipRequest {
  const message = parseMessage(bytes)
  assert.ok(message.kind === 'request')
  return message
}

function refused(bytes: Buffer, code: SipParseErrorCode, status: number): SipParseError {
  try {
    parseMessage(bytes)
  } catch (error) {
    assert.ok(error instanceof SipParseError, String(error))
    assert.equal(error.code, code, error.message)
    assert.equal(error.status, status)
    return error
  }
  return assert.fail('was not refused')
}

test('reads the REGISTER of RFC 3261 section 24.1', () => {
  const request = parseRequest(wire(RFC3261_REGISTER))
  assert.equal(request.method, 'REGISTER')
  assert.equal(request.uri, 'sip:registrar.biloxi.com')
  assert.equal(request.headers.get('to'), 'Bob <sip:bob@biloxi.com>')
  assert.deepEqual(
    [...request.headers.entries()].map(([name]) => name),
    ['Via', 'Max-Forwards', 'To', 'From', 'Call-ID', 'CSeq', 'Contact', 'Expires'],
  )
  assert.equal(request.body.length, 0)
})

test('reads the 200 of RFC 3261 section 24.1, with its folded Via as one value', () => {
  const response = parseMessage(wire(RFC3261_OK)) as SipResponse
  assert.equal(response.kind, 'response')
  assert.equal(response.status, 200)
  assert.equal(response.reason, 'OK')
  assert.equal(topVia(response).params.get('received'), '192.0.2.4')
})

test('compact forms, cases, folds and blanks change nothing (RFC 3261 section 7.3)', () => {
  const plain = parseRequest(wire(SUBSCRIBE))
  const tortuous = parseRequest(wire(TORTUOUS_SUBSCRIBE))
  assert.deepEqual(tortuous.headers.list('Via').map(parseVia), plain.headers.list('Via').map(parseVia))
  assert.deepEqual(from(tortuous), from(plain))
  for (const name of ['Record-Route', 'P-Asserted-Identity', 'Supported', 'Call-ID', 'To', 'CSeq']) {
    assert.deepEqual(tortuous.headers.list(name), plain.headers.list(name), name)
  }
  assert.equal(tortuous.headers.get('Max-Forwards'), '0069')
})

test('octets of a value stay as they are, also those that look like blanks elsewhere', () => {
  // The second octet of "à" in UTF-8 is 0xA0, which String.trim takes for a blank.
  const octets = Buffer.from('Voil\u00e0', 'utf8').toString('latin1')
  const request = parseRequest(wire(`${SUBSCRIBE}\nSubject: ${octets}\nX-Own: ${octets}\n ${octets}`))
  assert.equal(request.headers.get('s'), octets)
  assert.equal(request.headers.get('x-own'), `${octets} ${octets}`)
  assert.deepEqual([...request.headers.entries()].at(-1)?.[0], 'X-Own')
})

test('quoted strings may hold controls, which stay (RFC 3261 section 25.1, quoted-pair)', () => {
  const request = parseRequest(wire(SUBSCRIBE.replace('"Alice \\"A\\""', '"a\\\x00b\\\x07\\\x7f"')))
  assert.equal(from(request).displayName, 'a\x00b\x07\x7f')
})

test('empty lines before the start line are skipped (RFC 3261 section 7.5)', () => {
  assert.equal(parseRequest(Buffer.concat([Buffer.from('\r\n\r\n'), wire(SUBSCRIBE)])).method, 'SUBSCRIBE')
})

test('without Content-Length the body is the rest of the datagram (RFC 3261 section 18.3)', () => {
  assert.equal(parseRequest(wire(SUBSCRIBE, 'rest\r\n\r\nmore')).body.toString(), 'rest\r\n\r\nmore')
})

test('a body longer than Content-Length is cut (RFC 3261 section 18.3)', () => {
  assert.equal(parseRequest(wire(`${SUBSCRIBE}\nContent-Length: 4`, 'restmore')).body.toString(), 'rest')
  assert.equal(parseRequest(wire(`${SUBSCRIBE}\nl: 0`, 'restmore')).body.length, 0)
})

test('a body shorter than Content-Length is 400 (RFC 3261 section 18.3)', () => {
  const error = refused(wire(`${SUBSCRIBE}\nContent-Length: 9`, 'body'), 'SIP_MALFORMED', 400)
  assert.equal(error.request?.headers.get('Call-ID'), 'a84b4c76e66710@127.0.1.1')
})

test('two Content-Lengths that differ are refused, two that agree are one', () => {
  refused(wire(`${SUBSCRIBE}\nContent-Length: 4\nl: 3`, 'body'), 'SIP_MALFORMED', 400)
  assert.equal(parseRequest(wire(`${SUBSCRIBE}\nContent-Length: 4\nl: 04`, 'body')).body.length, 4)
})

test('a Content-Length that is no number is refused', () => {
  for (const value of ['', '-1', '+4', '4.0', '0x4', '4 4', '99999999999', '4, 4']) {
    refused(wire(`${SUBSCRIBE}\nContent-Length: ${value}`, 'body'), 'SIP_MALFORMED', 400)
  }
})

test('lines that end in CR or LF alone are refused, so that nobody reads other lines than we', () => {
  for (const line of ['X: a\nb: c', 'X: a\rb: c', 'X: a\r\r', 'X: a\r\n b\nc: d', 'X: a\r\n b\rc: d', '\rX: a']) {
    const bytes = Buffer.from(`${SUBSCRIBE.replaceAll('\n', '\r\n')}\r\n${line}\r\n\r\n`, 'latin1')
    refused(bytes, 'SIP_MALFORMED', 400)
  }
  refused(Buffer.from(SUBSCRIBE.concat('\n\n'), 'latin1'), 'SIP_MALFORMED', 400)
  refused(Buffer.from('SIP/2.0 200 O\nK: x\r\n\r\n'), 'SIP_MALFORMED', 400)
})

test('a line that is no header field is refused, with what could be read of the request', () => {
  for (const line of ['no colon', ': no name', 'na me: x', 'n\u00e4me: x', '"Via": x']) {
    const error = refused(wire(`${SUBSCRIBE}\n${line}\nSubject: behind`), 'SIP_MALFORMED', 400)
    assert.equal(error.request?.method, 'SUBSCRIBE')
    assert.equal(error.request?.headers.get('Subject'), 'behind')
  }
  refused(wire(SUBSCRIBE.replace('\nVia', '\n Via')), 'SIP_MALFORMED', 400)
})

test('head without its empty line: refused, with the lines that are whole', () => {
  const error = refused(
    Buffer.from('OPTIONS sip:a SIP/2.0\r\nTo: <sip:a>\r\nCall-ID: x', 'latin1'),
    'SIP_MALFORMED',
    400,
  )
  assert.deepEqual([...(error.request?.headers.entries() ?? [])], [['To', '<sip:a>']])
})

test('start lines that are none are refused (RFC 3261 sections 7.1 and 7.2)', () => {
  const cases: [string, SipParseErrorCode, number][] = [
    ['', 'SIP_MALFORMED', 400],
    ['OPTIONS', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a', 'SIP_MALFORMED', 400],
    ['OPTIONS  SIP/2.0', 'SIP_MALFORMED', 400],
    ['OPTIONS  sip:a SIP/2.0', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a  SIP/2.0', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a SIP/2.0 ', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a; lr SIP/2.0', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a\0b SIP/2.0', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a\tb SIP/2.0', 'SIP_MALFORMED', 400],
    ['OPT{}ONS sip:a SIP/2.0', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a HTTP/1.1', 'SIP_MALFORMED', 400],
    ['OPTIONS sip:a SIP/7.0', 'SIP_VERSION_UNSUPPORTED', 505],
    ['OPTIONS sip:a SIP/2.10', 'SIP_VERSION_UNSUPPORTED', 505],
    [`OPTIONS sip:${'a'.repeat(URI_OCTETS_MAX)} SIP/2.0`, 'SIP_URI_TOO_LONG', 414],
    ['SIP/3.0 200 OK', 'SIP_VERSION_UNSUPPORTED', 505],
    ['SIP/2.0 4294967301 better not break the receiver', 'SIP_MALFORMED', 400],
    ['SIP/2.0 099 Low', 'SIP_MALFORMED', 400],
    ['SIP/2.0 700 High', 'SIP_MALFORMED', 400],
    ['SIP/2.0 20 Short', 'SIP_MALFORMED', 400],
    ['SIP/2.0 2x0 OK', 'SIP_MALFORMED', 400],
    ['SIP/2.0 ', 'SIP_MALFORMED', 400],
  ]
  for (const [line, code, status] of cases) refused(wire(`${line}\nCall-ID: x`), code, status)
  refused(Buffer.alloc(0), 'SIP_MALFORMED', 400)
  refused(Buffer.from('\r\n\r\n'), 'SIP_MALFORMED', 400)
})

test('methods that nobody knows, and odd but legal ones, are read', () => {
  assert.equal(parseRequest(wire("!interesting-Method0123456789_*+`.%indeed'~ sip:a SIP/2.0\nX: y")).method.length, 43)
  assert.equal(parseRequest(wire('options sip:a sip/2.0\nX: y')).method, 'options')
})

test('a reason phrase may be empty, and hold any octets', () => {
  assert.equal((parseMessage(wire('SIP/2.0 200 \nX: y')) as SipResponse).reason, '')
  assert.equal((parseMessage(wire('SIP/2.0 200\nX: y')) as SipResponse).reason, '')
  assert.equal((parseMessage(wire('SIP/2.0 200 \xd0\xba x')) as SipResponse).reason, '\xd0\xba x')
})

test('headers of more than 16 kB are refused, those of 16 kB are not', () => {
  const head = `${SUBSCRIBE}\nX-Fill: `
  const fill = DEFAULT_SIP_LIMITS.headerBytesMax - wire(head).length
  assert.ok(parseRequest(wire(head + 'x'.repeat(fill), 'body')))
  const error = refused(wire(`${head}x${'x'.repeat(fill)}`, 'body'), 'SIP_TOO_LARGE', 513)
  assert.equal(error.request?.headers.get('CSeq'), '314159 SUBSCRIBE')
  refused(Buffer.alloc(1_000_000, 'x'), 'SIP_MALFORMED', 400)
})

test('more than 256 header fields are refused', () => {
  const lines = (count: number): string => Array.from({ length: count }, (_, at) => `X-${at}: y`).join('\n')
  assert.ok(parseRequest(wire(`OPTIONS sip:a SIP/2.0\n${lines(DEFAULT_SIP_LIMITS.headersMax)}`)))
  refused(wire(`OPTIONS sip:a SIP/2.0\n${lines(DEFAULT_SIP_LIMITS.headersMax + 1)}`), 'SIP_TOO_LARGE', 513)
})

test('a body of more than 64 kB is 413, also when it is only announced', () => {
  const { bodyBytesMax } = DEFAULT_SIP_LIMITS
  assert.equal(parseRequest(wire(SUBSCRIBE, 'x'.repeat(bodyBytesMax))).body.length, bodyBytesMax)
  refused(wire(SUBSCRIBE, 'x'.repeat(bodyBytesMax + 1)), 'SIP_BODY_TOO_LARGE', 413)
  refused(wire(`${SUBSCRIBE}\nContent-Length: ${bodyBytesMax + 1}`), 'SIP_BODY_TOO_LARGE', 413)
})

test('an error never repeats what came', () => {
  const error = refused(wire(`${SUBSCRIBE}\nsecret secret`), 'SIP_MALFORMED', 400)
  assert.doesNotMatch(error.message, /secret|alice/)
})
