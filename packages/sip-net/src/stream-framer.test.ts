import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Framed, StreamFramer } from './stream-framer.ts'

const LIMITS = { headBytesMax: 300, bodyBytesMax: 50 }

function message(lengthLine: string, body = ''): string {
  return `MESSAGE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP a;branch=z9hG4bK1\r\n${lengthLine}\r\n\r\n${body}`
}

/** What the chunks are cut into: messages as text, CRLFs as such, a fault in angle brackets. */
function frame(...chunks: string[]): string[] {
  const framer = new StreamFramer(LIMITS)
  const seen: string[] = []
  const note = ({ frames, fault }: Framed): void => {
    for (const found of frames) seen.push(found.kind === 'crlf' ? 'CRLF' : found.bytes.toString('latin1'))
    if (fault) seen.push(`<${fault}>`)
  }
  for (const chunk of chunks) note(framer.push(Buffer.from(chunk, 'latin1')))
  if (framer.isUnfinished) seen.push('<unfinished>')
  return seen
}

test('messages are cut by Content-Length, however they come together (RFC 3261 section 18.3)', () => {
  const [one, two, three] = [
    message('Content-Length: 5', 'hello'),
    message('l:0'),
    message('CONTENT-LENGTH \t: 2', '\r\n'),
  ]
  assert.deepEqual(frame(one + two + three), [one, two, three])
  assert.deepEqual(frame(one.slice(0, 30), one.slice(30) + two.slice(0, 1), two.slice(1)), [one, two])
  assert.deepEqual(frame(...(one + three + two)), [one, three, two])
})

test('a folded Content-Length is one value (RFC 3261 section 7.3.1)', () => {
  const folded = message('Content-Length:\r\n  5', 'hello')
  assert.deepEqual(frame(folded), [folded])
  assert.deepEqual(frame(message('Content-Length: 1\r\n 0', '0123456789')), ['<bad-content-length>'])
})

test('CRLFs between messages are keep-alives or nothing, in whatever chunks they come (RFC 5626 section 4.4.1)', () => {
  const whole = message('l: 0')
  assert.deepEqual(frame('\r\n\r\n', whole, '\r', '\n'), ['CRLF', 'CRLF', whole, 'CRLF'])
  assert.deepEqual(frame(`\r\n${whole}\r\n`), ['CRLF', whole, 'CRLF'])
  assert.deepEqual(frame('\rX'), ['<not-sip>'])
  assert.deepEqual(frame('\n'), ['<not-sip>'])
})

test('without a Content-Length, or with two or none that is a number, nobody knows where a message ends (RFC 3261 section 18.3)', () => {
  assert.deepEqual(frame(message('Contact: <sip:a>')), ['<no-content-length>'])
  for (const line of ['l: -1', 'l: 5x', 'l:', 'l: 12345678901', 'l: 5\r\nContent-Length: 6', 'l: 0x5']) {
    assert.deepEqual(frame(message(line, 'hello')), ['<bad-content-length>'], line)
  }
  const twice = message('l: 5\r\nContent-Length: 05', 'hello')
  assert.deepEqual(frame(twice), [twice])
})

test('a name that only begins or ends like Content-Length is another one', () => {
  const whole = message('X-Content-Length: 9\r\nContent-Length-X: 9\r\nLl: 9\r\nl: 1', '.')
  assert.deepEqual(frame(whole), [whole])
})

test('head and body are bounded, before they are there', () => {
  assert.deepEqual(frame(message(`X: ${'x'.repeat(300)}\r\nl: 0`)), ['<head-too-large>'])
  assert.deepEqual(frame('x'.repeat(299)), ['<unfinished>'])
  assert.deepEqual(frame('x'.repeat(150), 'x'.repeat(150)), ['<head-too-large>'])
  assert.deepEqual(frame(message('l: 51')), ['<body-too-large>'])
  const largest = message('l: 50', 'b'.repeat(50))
  assert.deepEqual(frame(largest), [largest])
})

test('what is no SIP is known by its first octet: a TLS handshake that finds TCP', () => {
  assert.deepEqual(frame('\x16\x03\x01'), ['<not-sip>'])
})

test('behind a fault nothing is taken, and the head that could be read is given', () => {
  const framer = new StreamFramer(LIMITS)
  const whole = message('l: 0')
  const { frames, fault, head } = framer.push(Buffer.from(`${whole}${message('l: 99')}${whole}`))
  assert.equal(frames.length, 1)
  assert.equal(fault, 'body-too-large')
  assert.equal(head?.toString(), message('l: 99'))
  assert.deepEqual(framer.push(Buffer.from(whole)).frames, [])
  assert.equal(framer.isUnfinished, false)
})
