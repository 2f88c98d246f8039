import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import type { Envelope } from '@rollcall/proto-gen/hop'
import { createEnvelope, type HopIncoming, type Role, startSpan } from '@rollcall/runtime'
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
  const receive = (
    text: string,
    from: { role?: Role; envelope?: Partial<Envelope>; envelopes?: (Envelope | undefined)[] } = {},
  ): SipResponse[] => {
    const responses: SipResponse[] = []
    const sip = Buffer.from(text.replaceAll('\n', '\r\n'), 'latin1')
    const envelope = createEnvelope({ deadlineMs: 700, ...from.envelope })
    const message: HopIncoming = { sip, envelope, span: startSpan('SIP UNKNOWN') }
    front.receive(message, { ...PEER, role: from.role ?? 'pcscf' }, (octets, answer) => {
      responses.push(parseMessage(octets) as SipResponse)
      from.envelopes?.push(answer)
    })
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
  assert.equal(state.routed[0]?.branch, 'z9hG4bK1')
  assert.match(state.routed[0]?.octets.toString('latin1') ?? '', /^SUBSCRIBE /)
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

test('an ACK is taken without a word, a CANCEL finds nothing to cancel (RFC 3261 section 9.1, RFC 3261 section 9.2)', () => {
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

test('what a replica forwards counts as from whom it was; what anybody else calls forwarded is refused', () => {
  const { state, receive } = createFront()
  const forwarded = (forwardedRole: string) => ({ envelope: { forwarded: true, forwardedRole } })
  for (const role of ['pcscf', 'presence', 'scscf']) receive(text('SUBSCRIBE'), { role: 'scscf', ...forwarded(role) })
  receive(text('SUBSCRIBE'), { role: 'scscf' })
  assert.deepEqual(
    state.routed.map(({ role }) => role),
    ['pcscf', 'presence', 'scscf', 'scscf'],
  )
  // An application server that says that it had it from a P-CSCF, a P-CSCF that says so of another one, a role that
  // sends us nothing: none is believed.
  const [lie] = receive(text('REGISTER'), { role: 'presence', ...forwarded('pcscf') })
  assert.equal(lie?.status, 403)
  assert.equal(receive(text('SUBSCRIBE'), { role: 'pcscf', ...forwarded('pcscf') })[0]?.status, 403)
  for (const role of ['', 'hss', 'operator']) {
    assert.equal(receive(text('SUBSCRIBE'), { role: 'scscf', ...forwarded(role) })[0]?.status, 403)
  }
  assert.equal(state.routed.length, 4)
  assert.equal(state.registered.length, 0)
  assert.deepEqual([...new Set(state.refused)], ['peer-role'])
})

test('the role beside a request that was not forwarded says nothing', () => {
  const { state, receive } = createFront()
  receive(text('SUBSCRIBE'), { role: 'presence', envelope: { forwardedRole: 'pcscf' } })
  assert.equal(state.routed[0]?.role, 'presence')
})

test('a 503 of this replica alone says that another may do better; others do not', () => {
  const { front, state, receive } = createFront()
  const envelopes: (Envelope | undefined)[] = []
  receive(text('REGISTER'), { envelopes })
  const [incoming] = state.registered
  assert.ok(incoming)
  for (const reason of ['not-served-here', 'lease-ended', 'store-unavailable'] as const)
    front.refuse(incoming, { reason })
  assert.deepEqual(
    envelopes.map((envelope) => envelope?.misdirected),
    [true, true, true],
  )
  for (const reason of ['partition-moving', 'hss-unavailable', 'not-registered'] as const) {
    front.refuse(incoming, { reason })
    assert.equal(envelopes.at(-1), undefined)
  }
})
