import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { createEnvelope, type HopIncoming, startSpan } from '@rollcall/runtime'
import { parseMessage, type SipResponse } from '@rollcall/sip'
import { HopFront } from './hop-front.ts'
import type { Incoming } from './incoming.ts'

const PEER = { role: 'pcscf', spiffeId: 'spiffe://rollcall.test/ns/ims/sa/pcscf' } as const

function createFront() {
  const state = {
    registered: [] as Incoming[],
    routed: [] as Incoming[],
    refused: [] as string[],
    dropped: [] as string[],
  }
  const front = new HopFront({
    clock: new VirtualClock(),
    random: seededRandom('front'),
    register: (incoming) => state.registered.push(incoming),
    route: async (incoming) => void state.routed.push(incoming),
    onRefused: (_incoming, { reason }) => state.refused.push(reason),
    onDropped: (reason) => state.dropped.push(reason),
  })
  const receive = (text: string): SipResponse[] => {
    const responses: SipResponse[] = []
    const sip = Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')
    const message: HopIncoming = { sip, envelope: createEnvelope({ deadlineMs: 700 }), span: startSpan('SIP UNKNOWN') }
    front.receive(message, PEER, (octets) => responses.push(parseMessage(octets) as SipResponse))
    return responses
  }
  return { front, state, receive }
}

function text(method: string, changes: Record<string, string> = {}): string {
  const headers: Record<string, string> = {
    Via: 'SIP/2.0/TLS pcscf.example.com;branch=z9hG4bK1',
    From: '<sip:a@example.com>;tag=1',
    To: '<sip:b@example.com>',
    'Call-ID': 'c',
    CSeq: `1 ${method}`,
    ...changes,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`]))
  return `${method} sip:b@example.com SIP/2.0\n${lines.join('\n')}\n\n`
}

test('REGISTER goes to the registrar, everything else to the session procedures', () => {
  const { state, receive } = createFront()
  receive(text('REGISTER'))
  receive(text('SUBSCRIBE'))
  receive(text('INVITE'))
  assert.equal(state.registered.length, 1)
  assert.deepEqual(
    state.routed.map(({ request }) => request.method),
    ['SUBSCRIBE', 'INVITE'],
  )
  assert.equal(state.routed[0]?.role, 'pcscf')
  assert.equal(state.routed[0]?.deadlineAtMs, 700)
})

test('what is malformed is answered where it can be, and counted', () => {
  for (const changes of [{ From: '<sip:a@example.com>' }, { CSeq: '1 NOTIFY' }, { To: '' }, { Via: 'SIP/2.0/TLS x' }]) {
    const { state, receive } = createFront()
    const [response] = receive(text('SUBSCRIBE', changes))
    assert.equal(response?.status, 400, JSON.stringify(changes))
    assert.deepEqual(state.refused, ['malformed'])
  }
})

test('what cannot be answered is dropped and counted', () => {
  const { state, receive } = createFront()
  for (const octets of ['', 'nonsense', 'SIP/2.0 200 OK\nVia: x\n\n', text('SUBSCRIBE', { Via: '' })]) {
    assert.deepEqual(receive(octets), [])
  }
  assert.deepEqual(state.dropped.length, 4)
})

test('an ACK is taken without a word, a CANCEL finds nothing to cancel (RFC 3261 section 9.2)', () => {
  const { state, receive } = createFront()
  assert.deepEqual(receive(text('ACK')), [])
  assert.equal(receive(text('CANCEL'))[0]?.status, 481)
  assert.equal(state.routed.length, 0)
})

test('a refusal brings its header fields, a 503 its Retry-After', () => {
  const { front, state, receive } = createFront()
  receive(text('REGISTER'))
  const [incoming] = state.registered
  assert.ok(incoming)
  const responses: SipResponse[] = []
  const answered = { ...incoming, reply: (response: SipResponse) => void responses.push(response) }
  front.refuse(answered, { reason: 'interval-too-brief', headers: [['Min-Expires', '60']] })
  front.refuse(answered, { reason: 'store-unavailable' })
  assert.deepEqual(
    responses.map(({ status }) => status),
    [423, 503],
  )
  assert.equal(responses[0]?.headers.get('Min-Expires'), '60')
  assert.match(responses[1]?.headers.get('Retry-After') ?? '', /^[1-8]$/)
})
