import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RollcallError, VirtualClock } from '@rollcall/core'
import { BranchInUseError, SipSyntaxError, TransactionsFullError } from '../errors.ts'
import { createResponse, type SipRequest } from '../message.ts'
import { parseMessage } from '../parse-message.ts'
import { SUBSCRIBE, wire } from '../vectors/messages.ts'
import { ClientTransactions, type ClientTransactionsOptions } from './client-transactions.ts'
import { type ClientState, decideClient } from './non-invite-client.ts'
import { CORE_TIMERS, GM_TIMERS } from './timers.ts'

class SocketGoneError extends RollcallError {
  override readonly name = 'SocketGoneError'
  readonly code = 'TEST_SOCKET_GONE'
}

function subscribe(branch = 'z9hG4bK8d1e52d2a9b14e26', method = 'SUBSCRIBE'): SipRequest {
  const head = SUBSCRIBE.replace('z9hG4bK8d1e52d2a9b14e26', branch).replaceAll('SUBSCRIBE', method)
  return parseMessage(wire(head)) as SipRequest
}

/** A table with what it did; flows are names, sendings are times since the start. */
function bed(options: Partial<ClientTransactionsOptions<string>> = {}) {
  const clock = new VirtualClock()
  const sent: number[] = []
  const heard: string[] = []
  const table = new ClientTransactions<string>({
    clock,
    timers: CORE_TIMERS,
    transactionsMax: 10,
    send: () => sent.push(clock.monotonic()),
    ...options,
  })
  const user = {
    response: ({ status }: { status: number }) => void heard.push(String(status)),
    timeout: () => void heard.push('timeout'),
  }
  const receive = (status: number, request = subscribe()): boolean => table.receive(createResponse(request, status))
  return { clock, sent, heard, table, user, receive }
}

test('Timer E doubles from T1 to T2, Timer F gives up after 64*T1 (RFC 3261 section 17.1.2.2)', () => {
  const { table, user, clock, sent, heard } = bed()
  table.request(subscribe(), 'udp', user)
  clock.advance(64 * CORE_TIMERS.t1Ms - 1)
  assert.deepEqual(sent, [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500])
  assert.deepEqual(heard, [])
  clock.advance(1)
  assert.deepEqual(heard, ['timeout'])
  assert.equal(table.size, 0)
  assert.equal(clock.pending, 0)
})

test('on Gm the timers are four times as long (TS 24.229 clause 7.7)', () => {
  // What they are elsewhere: RFC 3261 annex A.
  const { table, user, clock, sent, heard } = bed({ timers: GM_TIMERS })
  table.request(subscribe(), 'sa', user)
  clock.advance(127_999)
  assert.deepEqual(sent.slice(0, 6), [0, 2_000, 6_000, 14_000, 30_000, 46_000])
  assert.deepEqual(heard, [])
  clock.advance(1)
  assert.deepEqual(heard, ['timeout'])
})

test('behind a provisional response Timer E is T2 (RFC 3261 section 17.1.2.2)', () => {
  const { table, user, clock, sent, heard, receive } = bed()
  table.request(subscribe(), 'udp', user)
  clock.advance(400)
  assert.ok(receive(100))
  clock.advance(9_000)
  assert.deepEqual(sent, [0, 500, 4500, 8500])
  assert.ok(receive(183))
  assert.ok(receive(200))
  assert.deepEqual(heard, ['100', '183', '200'])
})

test('a final response is heard once; retransmissions are absorbed for T4 (RFC 3261 section 17.1.2.2)', () => {
  const { table, user, clock, sent, heard, receive } = bed()
  table.request(subscribe(), 'udp', user)
  assert.ok(receive(200))
  clock.advance(CORE_TIMERS.t4Ms - 1)
  assert.ok(receive(200))
  assert.ok(receive(503))
  assert.equal(table.size, 1)
  clock.advance(1)
  assert.equal(table.size, 0)
  assert.equal(clock.pending, 0)
  assert.equal(receive(200), false)
  assert.deepEqual(heard, ['200'])
  assert.deepEqual(sent, [0])
})

test('over a reliable transport nothing is sent again and Timer K is zero (RFC 3261 section 17.1.2.2)', () => {
  const { table, user, clock, sent, heard, receive } = bed({ isReliable: () => true })
  table.request(subscribe(), 'tcp', user)
  clock.advance(31_999)
  assert.deepEqual(sent, [0])
  assert.ok(receive(404))
  assert.deepEqual(heard, ['404'])
  assert.equal(table.size, 0)
  assert.equal(clock.pending, 0)
})

test('a response belongs to branch and CSeq method, and comes back with our sent-by (RFC 3261 section 17.1.3)', () => {
  // Others are dropped: RFC 3261 section 18.1.2.
  const { table, user, heard, receive } = bed()
  table.request(subscribe(), 'udp', user)
  assert.equal(receive(200, subscribe('z9hG4bKother')), false)
  assert.equal(receive(200, subscribe(undefined, 'NOTIFY')), false)
  const foreign = createResponse(subscribe(), 200)
  foreign.headers.set('Via', 'SIP/2.0/UDP elsewhere:15064;branch=z9hG4bK8d1e52d2a9b14e26')
  assert.equal(table.receive(foreign), false)
  const broken = createResponse(subscribe(), 200)
  broken.headers.set('Via', 'nonsense')
  assert.equal(table.receive(broken), false)
  broken.headers.remove('Via')
  assert.equal(table.receive(broken), false)
  assert.deepEqual(heard, [])
  const received = createResponse(subscribe(), 200)
  received.headers.set(
    'Via',
    'SIP/2.0/UDP PCSCF-0.pcscf.ims.example.com:15064;rport=1;branch=z9hG4bK8d1e52d2a9b14e26;received=10.0.0.1',
  )
  assert.equal(table.receive(received), true)
  assert.deepEqual(heard, ['200'])
})

test('a branch is used once, a request has one, and the table has a bound', () => {
  const { table, user, sent } = bed({ transactionsMax: 2 })
  table.request(subscribe(), 'udp', user)
  assert.throws(() => table.request(subscribe(), 'udp', user), BranchInUseError)
  const bare = subscribe()
  bare.headers.set('Via', 'SIP/2.0/UDP a')
  assert.throws(() => table.request(bare, 'udp', user), SipSyntaxError)
  table.request(subscribe(undefined, 'NOTIFY'), 'udp', user)
  assert.throws(() => table.request(subscribe('z9hG4bKmore'), 'udp', user), TransactionsFullError)
  assert.equal(sent.length, 2)
})

test('when the first sending fails, nothing is under way', () => {
  const { table, user, clock, heard } = bed({
    send: () => {
      throw new SocketGoneError('gone')
    },
  })
  assert.throws(() => table.request(subscribe(), 'udp', user), SocketGoneError)
  assert.equal(table.size, 0)
  assert.equal(clock.pending, 0)
  assert.deepEqual(heard, [])
})

test('when a later sending fails, the user hears of it once (RFC 3261 section 17.1.4)', () => {
  // As a 503: RFC 3261 section 8.1.3.1.
  for (const hasSendError of [true, false]) {
    let sendings = 0
    const { table, user, clock, heard } = bed({
      send: () => {
        sendings += 1
        if (sendings > 1) throw new SocketGoneError('gone')
      },
    })
    const sendError = { sendError: (error: RollcallError) => void heard.push(error.code) }
    table.request(subscribe(), 'udp', hasSendError ? { ...user, ...sendError } : user)
    clock.advance(100_000)
    assert.deepEqual(heard, [hasSendError ? 'TEST_SOCKET_GONE' : 'timeout'])
    assert.equal(sendings, 2)
    assert.equal(table.size, 0)
    assert.equal(clock.pending, 0)
  }
})

test('a user may send its next request while it hears of an end', () => {
  const { table, user, clock, heard, receive } = bed({ transactionsMax: 1 })
  const next = subscribe('z9hG4bKnext')
  table.request(subscribe(), 'udp', { ...user, timeout: () => table.request(next, 'udp', user) })
  clock.advance(32_000)
  assert.equal(table.size, 1)
  assert.ok(receive(200, next))
  assert.deepEqual(heard, ['200'])
})

test('a closed table is silent', () => {
  const { table, user, clock, heard, receive } = bed()
  table.request(subscribe(), 'udp', user)
  table.close()
  clock.advance(100_000)
  assert.equal(receive(200), false)
  assert.deepEqual(heard, [])
  assert.equal(clock.pending, 0)
})

test('the table of transitions, in the order of RFC 3261 figure 6', () => {
  const options = { timers: CORE_TIMERS, isReliable: false }
  const states: ClientState[] = [
    { name: 'initial' },
    { name: 'trying', intervalMs: 500 },
    { name: 'proceeding' },
    { name: 'completed' },
    { name: 'terminated' },
  ]
  const inputs = [
    { kind: 'start' },
    { kind: 'timerE' },
    { kind: 'response', status: 100 },
    { kind: 'response', status: 200 },
    { kind: 'timerF' },
    { kind: 'timerK' },
    { kind: 'transportError' },
  ] as const
  const rows = states.map((state) =>
    inputs.map((input) => {
      const { state: next, effects } = decideClient(state, input, options)
      const shown = effects.map((effect) =>
        'timer' in effect ? `${effect.kind.slice(0, -5)}${effect.timer}` : effect.kind,
      )
      return [next.name, ...shown].join(' ')
    }),
  )
  assert.deepEqual(rows, [
    ['trying startF startE send', ...Array(6).fill('initial')],
    [
      'trying',
      'trying startE send',
      'proceeding deliver',
      'completed cancelE cancelF startK deliver',
      'terminated cancelE cancelF reportTimeout',
      'trying',
      'terminated cancelE cancelF reportTransportError',
    ],
    [
      'proceeding',
      'proceeding startE send',
      'proceeding deliver',
      'completed cancelE cancelF startK deliver',
      'terminated cancelE cancelF reportTimeout',
      'proceeding',
      'terminated cancelE cancelF reportTransportError',
    ],
    ['completed', 'completed', 'completed', 'completed', 'completed', 'terminated', 'completed'],
    Array(7).fill('terminated'),
  ])
})
