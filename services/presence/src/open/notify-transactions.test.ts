import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { DatagramTooLargeError } from '@rollcall/sip-net'
import type { NotifyResult } from '../sip/notify-way.ts'
import { NotifyTransactions } from './notify-transactions.ts'

function setUp() {
  const clock = new VirtualClock()
  const sentMs: number[] = []
  const results: NotifyResult[] = []
  const state = { mayLeave: true, fails: false }
  const transactions = new NotifyTransactions({
    clock,
    timeoutMs: 32_000,
    send: () => {
      if (state.fails) throw new DatagramTooLargeError(2, 1)
      sentMs.push(clock.monotonic())
    },
  })
  const begin = (branch: string): void =>
    transactions.begin({
      octets: Buffer.from('NOTIFY'),
      branch,
      to: { address: '127.0.0.1', port: 5_060 },
      mayLeave: () => state.mayLeave,
      on: (result) => void results.push(result),
    })
  return { clock, sentMs, results, state, transactions, begin }
}

const nextTick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test('it is sent again after T1, 2*T1 … T2, and given up after 64*T1 (RFC 3261 section 17.1.2.2, timers E and F)', () => {
  const { clock, sentMs, results, transactions, begin } = setUp()
  begin('a')
  clock.advance(31_999)
  assert.deepEqual(sentMs, [0, 500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500])
  assert.deepEqual(results, [])
  clock.advance(1)
  assert.deepEqual(results, [{ kind: 'timeout' }])
  assert.equal(transactions.size, 0)
  clock.advance(10_000)
  assert.equal(sentMs.length, 11)
})

test('a final response ends it; a copy of it belongs to nothing', () => {
  const { clock, sentMs, results, transactions, begin } = setUp()
  begin('a')
  begin('b')
  assert.ok(transactions.respond('a', 200))
  assert.ok(!transactions.respond('a', 200))
  assert.ok(!transactions.respond('c', 200))
  clock.advance(600)
  assert.deepEqual(sentMs, [0, 0, 500], 'only the other one is sent again')
  assert.deepEqual(results, [{ kind: 'response', status: 200 }])
})

test('behind a provisional response it is sent every T2', () => {
  const { clock, sentMs, results, transactions, begin } = setUp()
  begin('a')
  clock.advance(100)
  transactions.respond('a', 100)
  clock.advance(9_000)
  assert.deepEqual(sentMs, [0, 500, 4_500, 8_500])
  transactions.respond('a', 481)
  assert.deepEqual(results, [
    { kind: 'response', status: 100 },
    { kind: 'response', status: 481 },
  ])
})

test('what may not leave does not, at first and later', async () => {
  const { clock, sentMs, results, state, transactions, begin } = setUp()
  state.mayLeave = false
  begin('a')
  assert.deepEqual(results, [], 'nobody hears of it before it was taken')
  await nextTick()
  assert.deepEqual(results, [{ kind: 'withdrawn' }])
  state.mayLeave = true
  begin('b')
  state.mayLeave = false
  clock.advance(2_000)
  assert.deepEqual(sentMs, [0])
  assert.deepEqual(results.at(-1), { kind: 'withdrawn' })
  assert.equal(transactions.size, 0)
})

test('what cannot be sent reaches nobody', async () => {
  const { results, state, begin, transactions } = setUp()
  state.fails = true
  begin('a')
  await nextTick()
  assert.deepEqual(results, [{ kind: 'unreachable' }])
  assert.equal(transactions.size, 0)
})

test('more than are kept are refused until some have ended', async () => {
  const { results, transactions, begin } = setUp()
  for (let i = 0; i < 65_536; i++) begin(`b${i}`)
  begin('one more')
  await nextTick()
  assert.deepEqual(results, [{ kind: 'full' }])
  transactions.respond('b1', 200)
  begin('another')
  await nextTick()
  assert.equal(results.length, 2)
  transactions.close()
  assert.equal(transactions.size, 0)
})
