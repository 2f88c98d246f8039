import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom, VirtualClock } from '@rollcall/core'
import { AccessSecurity } from '@rollcall/proto-gen/hop'
import type { HopRequest, HopResult } from '@rollcall/runtime'
import { createRequest, createResponse, parseMessage, type SipRequest, serializeMessage, topVia } from '@rollcall/sip'
import { Forwarder, type ForwardOutcome } from './forwarder.ts'

interface Sent {
  readonly host: string
  readonly message: HopRequest
  readonly deadlineMs: number | undefined
  readonly on: (result: HopResult) => void
}

function send(deadlineMs = 5_000, o: { readonly isTrusted?: boolean; readonly isOwn?: boolean } = {}) {
  const clock = new VirtualClock()
  const sent: Sent[] = []
  const outcomes: ForwardOutcome[] = []
  const forwarder = new Forwarder({
    clock,
    random: seededRandom('forwarder'),
    host: 'scscf.example.com',
    trusts: () => o.isTrusted !== false,
    hop: {
      has: () => true,
      send: (host, message, on, options) => sent.push({ host, message, on, deadlineMs: options?.deadlineMs }),
    },
  })
  const request = createRequest('NOTIFY', 'sip:bob@127.0.1.3', [
    ...(o.isOwn ? [] : [['Via', 'SIP/2.0/TLS presence.example.com;branch=z9hG4bKas'] as const]),
    ['From', '<sip:a@x>;tag=1'],
    ['To', '<sip:b@x>;tag=2'],
    ['Call-ID', 'c'],
    ['CSeq', '1 NOTIFY'],
    ['P-Asserted-Identity', '<sip:a@x>'],
    ['P-Access-Network-Info', '3GPP-E-UTRAN-FDD'],
    ['P-Charging-Vector', 'icid-value=1'],
    ['P-Served-User', '<sip:a@x>'],
  ])
  const accessSecurity = AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN
  forwarder.send(
    'pcscf.example.com',
    {
      request,
      vouched: { accessSecurity, impi: '', assertedIdentities: ['sip:a@x'] },
      receivedAtMs: 5n,
      traceparent: '00-trace',
      deadlineAtMs: clock.monotonic() + deadlineMs,
    },
    (outcome) => outcomes.push(outcome),
  )
  const [first] = sent
  assert.ok(first)
  return { ...first, outcomes, given: request, request: parseMessage(first.message.sip) as SipRequest }
}

function response(sip: Buffer): HopResult {
  return { kind: 'response', sip, envelope: undefined, status: 200 }
}

test('what was given stays as it is: should it come to nothing it is answered along its own Vias (RFC 3261 section 16.7)', () => {
  const { given } = send()
  assert.deepEqual(given.headers.list('Via'), ['SIP/2.0/TLS presence.example.com;branch=z9hG4bKas'])
})

test('our Via is on top, with the branch that the hop finds the response by (RFC 3261 section 16.6 step 8)', () => {
  const { host, message, request } = send()
  assert.equal(host, 'pcscf.example.com')
  const via = topVia(request)
  assert.equal(via.host, 'scscf.example.com')
  assert.equal(via.params.get('branch'), message.branch)
  assert.match(message.branch, /^z9hG4bK/)
  assert.equal(request.headers.list('Via').length, 2)
})

test('the envelope says what is vouched for, and no more', () => {
  const { message } = send()
  const { envelope } = message
  assert.deepEqual(envelope.assertedIdentities, ['sip:a@x'])
  assert.equal(envelope.accessSecurity, AccessSecurity.ACCESS_SECURITY_TRUSTED_DOMAIN)
  assert.equal(envelope.traceparent, '00-trace')
  assert.equal(envelope.receivedAtMs, 5n)
  assert.equal(envelope.forwarded, false)
})

test('we stop waiting a little before our sender does', () => {
  assert.equal(send(5_000).deadlineMs, 4_750)
  assert.equal(send(10).deadlineMs, 100)
})

test('a response loses our Via and keeps the others (RFC 3261 section 16.7 step 3)', () => {
  const { on, outcomes, request } = send()
  on(response(serializeMessage(createResponse(request, 200))))
  const [outcome] = outcomes
  assert.ok(outcome?.kind === 'response')
  assert.deepEqual(outcome.response.headers.list('Via'), ['SIP/2.0/TLS presence.example.com;branch=z9hG4bKas'])
})

test('what is no response to what we sent is garbled', () => {
  const { on, outcomes, request } = send()
  const foreign = createResponse(request, 200)
  foreign.headers.removeFirst('Via')
  const alone = createResponse(request, 200)
  alone.headers.setAll('Via', alone.headers.list('Via').slice(0, 1))
  for (const octets of [
    Buffer.from('nonsense'),
    serializeMessage(foreign),
    serializeMessage(alone),
    serializeMessage(request),
  ]) {
    on(response(octets))
  }
  assert.deepEqual(
    outcomes,
    outcomes.map(() => ({ kind: 'failed', reason: 'next-hop-garbled' })),
  )
  assert.equal(outcomes.length, 4)
})

test('each end without a response has its reason', () => {
  const { on, outcomes } = send()
  for (const kind of ['timeout', 'unreachable', 'full', 'no-route'] as const) on({ kind })
  assert.deepEqual(
    outcomes.map((outcome) => outcome.kind === 'failed' && outcome.reason),
    ['next-hop-silent', 'next-hop-away', 'next-hop-full', 'next-hop-unknown'],
  )
})

test('what the network knows of its users stays inside the trust domain (TS 24.229 clause 4.4, RFC 3325 section 5, RFC 7315 section 5)', () => {
  const names = ['P-Asserted-Identity', 'P-Access-Network-Info', 'P-Charging-Vector', 'P-Served-User']
  const trusted = send()
  for (const name of names) assert.ok(trusted.request.headers.has(name), name)
  assert.deepEqual(trusted.message.envelope?.assertedIdentities, ['sip:a@x'])
  const untrusted = send(5_000, { isTrusted: false })
  for (const name of names) assert.ok(!untrusted.request.headers.has(name), name)
  assert.deepEqual(untrusted.message.envelope?.assertedIdentities, [])
  // Its answer is brought back along the Vias of what was given, which is as it was.
  for (const name of names) assert.ok(untrusted.given.headers.has(name), name)
})

test('a request of our own has its response with our Via alone; one with another below is nobody’s (RFC 3261 section 18.1.2)', () => {
  const { request, on, outcomes } = send(5_000, { isOwn: true })
  on(response(serializeMessage(createResponse(request, 200))))
  assert.equal(outcomes[0]?.kind, 'response')
  const other = createResponse(request, 200)
  other.headers.add('Via', 'SIP/2.0/TLS elsewhere.example.com;branch=z9hG4bKx')
  on(response(serializeMessage(other)))
  assert.equal(outcomes[1]?.kind, 'failed')
})
