import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { SipHeaders } from './headers.ts'
import { parseMessage } from './parse-message.ts'
import { serializeMessage } from './serialize-message.ts'
import { REGISTER_WITH_OFFERS, SUBSCRIBE, TORTUOUS_SUBSCRIBE, wire } from './vectors/messages.ts'

const SEED = 20

const names = fc.constantFrom('Via', 'v', 'Route', 'ROUTE', 'From', 'P-Asserted-Identity', 'X-New', 'x-odd', 'k')
const values = fc.constantFrom('', 'a', 'SIP/2.0/UDP a;branch=1', '<sip:a>, <sip:b>', '\xff "quoted, text"')

/** One change to header fields, as nodes on the way make them. */
const edits = fc.oneof(
  fc.tuple(names, values).map(
    ([name, value]) =>
      (headers: SipHeaders) =>
        headers.set(name, value),
  ),
  fc.tuple(names, values).map(
    ([name, value]) =>
      (headers: SipHeaders) =>
        headers.add(name, value),
  ),
  fc.tuple(names, values).map(
    ([name, value]) =>
      (headers: SipHeaders) =>
        headers.prepend(name, value),
  ),
  fc.tuple(names, fc.array(values)).map(
    ([name, all]) =>
      (headers: SipHeaders) =>
        headers.setAll(name, all),
  ),
  names.map((name) => (headers: SipHeaders) => headers.remove(name)),
  names.map((name) => (headers: SipHeaders) => void headers.removeFirst(name)),
)

const messages = fc.constantFrom(
  wire(`${SUBSCRIBE}\nX-Odd: \xff\nContent-Length: 2`, '\r\n'),
  wire(TORTUOUS_SUBSCRIBE),
  wire(REGISTER_WITH_OFFERS),
)

/** The head as its header fields say it, line by line. */
function headOf(headers: SipHeaders, bodyOctets: number): string {
  const lines = [...headers.entries()].map(([name, value]) => `${name}: ${value}\r\n`)
  return `${lines.join('')}Content-Length: ${bodyOctets}\r\n\r\n`
}

function writtenHead(message: ReturnType<typeof parseMessage>): string {
  const text = serializeMessage(message).toString('latin1')
  return text.slice(text.indexOf('\r\n') + 2, text.length - message.body.length)
}

test('whatever was changed, what goes out is what the header fields say, and copies are their own', () => {
  fc.assert(
    fc.property(messages, fc.array(edits, { maxLength: 8 }), (bytes, changes) => {
      const message = parseMessage(bytes)
      const before = headOf(message.headers, message.body.length)
      const original = { ...message, headers: message.headers.clone() }
      for (const change of changes) {
        change(message.headers)
        assert.equal(writtenHead(message), headOf(message.headers, message.body.length))
      }
      assert.equal(writtenHead(original), before)
    }),
    { seed: SEED, numRuns: 1_000 },
  )
})
