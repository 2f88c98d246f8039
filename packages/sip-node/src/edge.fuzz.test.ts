import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { createResponse, parseMessage, type SipRequest, serializeMessage } from '@rollcall/sip'
import fc from 'fast-check'
import { type EdgeOptions, SipEdge } from './edge.ts'
import type { Link } from './link.ts'
import type { NodeEvents } from './node-events.ts'

const SEED = 20_261_128

const PEER = { role: 'pcscf', spiffeId: 'sip:p.vendor.org', isVerified: true, isAsserting: true, hosts: [] } as const

const WHOLE = [
  'SUBSCRIBE sip:alice@example.org SIP/2.0',
  'Via: SIP/2.0/UDP p.vendor.org;branch=z9hG4bKfuzz;rport',
  'Max-Forwards: 68',
  'From: "Bob, B." <sip:bob@example.org>;tag=f1',
  'To: <sip:alice@example.org>',
  'Call-ID: fuzz@p.vendor.org',
  'CSeq: 7 SUBSCRIBE',
  'P-Asserted-Identity: <sip:bob@example.org>, <tel:+15550101>',
  'P-Charging-Vector: icid-value="a;b"',
  'Event: presence',
  'Content-Length: 4',
  '',
  'body',
].join('\r\n')

/** An edge without sockets: what it took, what it sent, what it dropped. */
function bed(isVerified: boolean) {
  const taken: SipRequest[] = []
  const sent: Buffer[] = []
  let dropped = 0
  const none = (): void => {}
  const events = { received: none, dropped: () => (dropped += 1), answerLost: none } as unknown as NodeEvents
  const options: EdgeOptions = {
    clock: new VirtualClock(),
    random: seededRandom('edge'),
    events,
    onRequest: ({ sip }, _peer, reply) => {
      const request = parseMessage(sip) as SipRequest
      taken.push(request)
      reply(serializeMessage(createResponse(request, 200, { toTag: 't' })))
    },
    send: (_flow, bytes) => void sent.push(bytes),
    onVia: none,
  }
  const link: Link = {
    transport: 'UDP',
    source: { address: '10.0.0.9', port: 5_060 },
    peer: isVerified ? PEER : { ...PEER, isVerified: false, isAsserting: false },
  }
  const edge = new SipEdge(options)
  return { receive: (bytes: Buffer) => edge.receive(bytes, link), taken, sent, dropped: () => dropped }
}

test('whatever octets come, each message is answered once or dropped, and no answer is malformed', () => {
  const change = fc.record({
    at: fc.integer({ min: 0, max: WHOLE.length - 1 }),
    octets: fc.oneof(fc.constantFrom('\r\n', ';', ',', '<', '>', '"', '\0', ' ', ''), fc.string({ maxLength: 4 })),
    cut: fc.integer({ min: 0, max: 12 }),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), fc.boolean(), (changes, isVerified) => {
      let text = WHOLE
      for (const { at, octets, cut } of changes) text = text.slice(0, at) + octets + text.slice(at + cut)
      const { receive, taken, sent, dropped } = bed(isVerified)
      receive(Buffer.from(text, 'latin1'))
      assert.ok(taken.length <= 1)
      // An ACK is absorbed, and so it may begin when its letters come together.
      if (!text.trimStart().startsWith('ACK ')) assert.equal(sent.length + dropped(), 1, JSON.stringify(text))
      for (const response of sent) assert.equal(parseMessage(response).kind, 'response')
      if (isVerified) return
      for (const { headers } of taken)
        assert.equal(headers.has('P-Asserted-Identity') || headers.has('P-Charging-Vector'), false)
    }),
    { seed: SEED, numRuns: 3_000 },
  )
})
