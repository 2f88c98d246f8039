import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RollcallError, VirtualClock } from '@rollcall/core'
import { createResponse, type SipRequest } from '../message.ts'
import { parseMessage } from '../parse-message.ts'
import { SUBSCRIBE, wire } from '../vectors/messages.ts'
import { decideServer, type ServerState } from './non-invite-server.ts'
import { type ServerTransaction, ServerTransactions, type ServerTransactionsOptions } from './server-transactions.ts'
import { CORE_TIMERS } from './timers.ts'

const TIMER_J_MS = 64 * CORE_TIMERS.t1Ms

class SocketGoneError extends RollcallError {
  override readonly name = 'SocketGoneError'
  readonly code = 'TEST_SOCKET_GONE'
}

function subscribe(change: (head: string) => string = (head) => head): SipRequest {
  return parseMessage(wire(change(SUBSCRIBE))) as SipRequest
}

/** A table with what it did; flows are names. */
function bed(options: Partial<ServerTransactionsOptions<string>> = {}) {
  const clock = new VirtualClock()
  const sent: string[] = []
  const transactions: ServerTransaction<string>[] = []
  const full: string[] = []
  const table = new ServerTransactions<string>({
    clock,
    timers: CORE_TIMERS,
    transactionsMax: 10,
    send: (flow, bytes) => sent.push(`${flow} ${bytes.toString('latin1').slice(8, 11)}`),
    onRequest: (_request, transaction) => transactions.push(transaction),
    onFull: (_request, flow) => full.push(flow),
    ...options,
  })
  const respond = (index: number, status: number, flow?: string): void => {
    const transaction = transactions[index]
    assert.ok(transaction)
    transaction.respond(createResponse(transaction.request, status, { toTag: 'x' }), flow)
  }
  return { clock, sent, transactions, full, table, respond }
}

test('a request is handed on once; while nothing was answered its retransmissions are absorbed (RFC 3261 section 17.2.2)', () => {
  const { table, transactions, sent } = bed()
  for (let copy = 0; copy < 3; copy++) table.receive(subscribe(), 'udp')
  assert.equal(transactions.length, 1)
  assert.equal(table.size, 1)
  assert.deepEqual(sent, [])
})

test('retransmissions are answered with the last response, provisional or final (RFC 3261 section 17.2.2)', () => {
  const { table, respond, sent, transactions } = bed()
  table.receive(subscribe(), 'udp')
  respond(0, 100)
  table.receive(subscribe(), 'udp')
  assert.equal(transactions[0]?.isFinal, false)
  respond(0, 200)
  table.receive(subscribe(), 'udp')
  table.receive(subscribe(), 'udp')
  assert.equal(transactions[0]?.isFinal, true)
  assert.deepEqual(sent, ['udp 100', 'udp 100', 'udp 200', 'udp 200', 'udp 200'])
})

test('a second final response is dropped (RFC 3261 section 17.2.2)', () => {
  const { table, respond, sent } = bed()
  table.receive(subscribe(), 'udp')
  respond(0, 200)
  respond(0, 503)
  respond(0, 100)
  table.receive(subscribe(), 'udp')
  assert.deepEqual(sent, ['udp 200', 'udp 200'])
})

test('Timer J of 64*T1 ends the wait for retransmissions (RFC 3261 section 17.2.2)', () => {
  const { table, respond, clock, transactions } = bed()
  table.receive(subscribe(), 'udp')
  clock.advance(10 * TIMER_J_MS)
  assert.equal(table.size, 1)
  respond(0, 200)
  clock.advance(TIMER_J_MS - 1)
  table.receive(subscribe(), 'udp')
  assert.equal(transactions.length, 1)
  clock.advance(1)
  assert.equal(table.size, 0)
  assert.equal(clock.pending, 0)
  table.receive(subscribe(), 'udp')
  assert.equal(transactions.length, 2)
})

test('over a reliable transport Timer J is zero (RFC 3261 section 17.2.2)', () => {
  const { table, respond, sent, clock } = bed({ isReliable: (flow) => flow === 'tcp' })
  table.receive(subscribe(), 'tcp')
  respond(0, 200)
  assert.equal(table.size, 0)
  assert.equal(clock.pending, 0)
  assert.deepEqual(sent, ['tcp 200'])
})

test('the final response and its retransmissions go where the answer says, not where the request came from', () => {
  const { table, respond, sent } = bed()
  table.receive(subscribe(), 'old-sa')
  respond(0, 200, 'new-sa')
  table.receive(subscribe(), 'old-sa')
  assert.deepEqual(sent, ['new-sa 200', 'new-sa 200'])
})

test('branch, sent-by and method tell requests apart (RFC 3261 section 17.2.3)', () => {
  const { table, transactions } = bed()
  const changes: ((head: string) => string)[] = [
    (head) => head,
    (head) => head.replace('z9hG4bK8d1e52d2a9b14e26', 'z9hG4bK8d1e52d2a9b14e27'),
    (head) => head.replace('pcscf-0.pcscf.ims.example.com:15064;', 'pcscf-1.pcscf.ims.example.com:15064;'),
    (head) => head.replace('pcscf-0.pcscf.ims.example.com:15064;', 'pcscf-0.pcscf.ims.example.com:15065;'),
    (head) => head.replace('pcscf-0.pcscf.ims.example.com:15064;', 'pcscf-0.pcscf.ims.example.com;'),
    (head) => head.replaceAll('SUBSCRIBE', 'CANCEL'),
  ]
  for (const change of changes) table.receive(subscribe(change), 'udp')
  assert.equal(transactions.length, changes.length)
  // The rest of a message does not count, nor does the case of a host.
  for (const change of changes) {
    table.receive(
      subscribe((head) => change(head).replace('sip:bob@', 'sip:carol@').replace('UDP pcscf', 'UDP PCSCF')),
      'udp',
    )
  }
  assert.equal(transactions.length, changes.length)
})

test('a branch without the cookie is not trusted to be unique (RFC 3261 section 17.2.3)', () => {
  const { table, transactions } = bed()
  const old = (head: string): string => head.replace('z9hG4bK8d1e52d2a9b14e26', '1')
  table.receive(subscribe(old), 'udp')
  table.receive(subscribe(old), 'udp')
  table.receive(
    subscribe((head) => old(head).replace('a84b4c76e66710', 'b84b4c76e66710')),
    'udp',
  )
  table.receive(
    subscribe((head) => old(head).replace('314159', '314160')),
    'udp',
  )
  assert.equal(transactions.length, 3)
})

test("with a key for flows, a copy of another's branch is a request of its own", () => {
  const { table, transactions, respond, sent } = bed({ flowKey: (flow) => flow })
  table.receive(subscribe(), 'mallory')
  respond(0, 403)
  table.receive(subscribe(), 'alice')
  assert.equal(transactions.length, 2)
  respond(1, 200)
  assert.deepEqual(sent, ['mallory 403', 'alice 200'])
})

test('an ACK is no transaction', () => {
  const { table, transactions } = bed()
  table.receive(
    subscribe((head) => head.replaceAll('SUBSCRIBE', 'ACK')),
    'udp',
  )
  assert.equal(table.size, 0)
  assert.equal(transactions.length, 0)
})

test('a full table hands no request on, and still answers retransmissions', () => {
  const { table, transactions, full, respond, sent } = bed({ transactionsMax: 1 })
  table.receive(subscribe(), 'a')
  table.receive(
    subscribe((head) => head.replace('z9hG4bK8', 'z9hG4bK9')),
    'b',
  )
  respond(0, 200)
  table.receive(subscribe(), 'a')
  assert.deepEqual(full, ['b'])
  assert.equal(transactions.length, 1)
  assert.deepEqual(sent, ['a 200', 'a 200'])
})

test('a transport error ends the transaction and is told (RFC 3261 section 17.2.4)', () => {
  const errors: string[] = []
  const { table, respond, clock, transactions } = bed({
    send: () => {
      throw new SocketGoneError('gone')
    },
    onSendError: (error, flow) => errors.push(`${flow} ${error.code}`),
  })
  table.receive(subscribe(), 'udp')
  respond(0, 200)
  assert.deepEqual(errors, ['udp TEST_SOCKET_GONE'])
  assert.equal(table.size, 0)
  assert.equal(clock.pending, 0)
  assert.equal(transactions[0]?.isFinal, true)
})

test('an error of our own in sending is not taken for one of the world', () => {
  const { table, respond } = bed({
    send: () => {
      throw new TypeError('ours')
    },
  })
  table.receive(subscribe(), 'udp')
  assert.throws(() => respond(0, 200), TypeError)
})

test('a closed table is silent', () => {
  const { table, respond, sent, clock, transactions } = bed()
  table.receive(subscribe(), 'udp')
  table.receive(
    subscribe((head) => head.replace('z9hG4bK8', 'z9hG4bK9')),
    'udp',
  )
  respond(0, 200)
  table.close()
  respond(1, 200)
  table.receive(
    subscribe((head) => head.replace('z9hG4bK8', 'z9hG4bK7')),
    'udp',
  )
  assert.deepEqual(sent, ['udp 200'])
  assert.equal(clock.pending, 0)
  assert.equal(transactions.length, 2)
})

test('the table of transitions, in the order of RFC 3261 figure 8', () => {
  const options = { timers: CORE_TIMERS, isReliable: false }
  const last = { text: 'x', flow: 'f' }
  const states: ServerState<string>[] = [
    { name: 'trying' },
    { name: 'proceeding', last },
    { name: 'completed', last },
    { name: 'terminated' },
  ]
  const inputs = [
    { kind: 'request' },
    { kind: 'respond', status: 100, outgoing: last },
    { kind: 'respond', status: 404, outgoing: last },
    { kind: 'timerJ' },
    { kind: 'transportError' },
  ] as const
  const table = states.map((state) =>
    inputs.map((input) => {
      const { state: next, effects } = decideServer(state, input, options)
      return [next.name, ...effects.map(({ kind }) => kind)].join(' ')
    }),
  )
  assert.deepEqual(table, [
    ['trying', 'proceeding send', 'completed startTimerJ send', 'trying', 'terminated'],
    ['proceeding send', 'proceeding send', 'completed startTimerJ send', 'proceeding', 'terminated'],
    ['completed send', 'completed', 'completed', 'terminated', 'terminated'],
    ['terminated', 'terminated', 'terminated', 'terminated', 'terminated'],
  ])
})
