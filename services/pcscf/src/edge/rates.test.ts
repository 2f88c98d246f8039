import assert from 'node:assert/strict'
import test from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { RequestGate } from './request-gate.ts'

test('a retransmission of what was let through passes free, while it may come', () => {
  const clock = new VirtualClock()
  const gate = new RequestGate({ clock, bucket: { burst: 1, intervalMs: 1_000_000 }, rememberMs: 1_000, max: 10 })
  assert.ok(gate.admit('a', 'r1'))
  assert.ok(gate.admit('a', 'r1'))
  assert.ok(!gate.admit('a', 'r2'))
  assert.ok(!gate.admit('a', undefined))
  assert.ok(gate.admit('b', 'r1'))
  clock.advance(1_000)
  assert.ok(!gate.admit('a', 'r1'))
  assert.equal(gate.size, 0)
})

test('the gate remembers a bounded number of requests, and each without a key counts', () => {
  const gate = new RequestGate({
    clock: new VirtualClock(),
    bucket: { burst: 100, intervalMs: 1_000 },
    rememberMs: 1_000,
    max: 10,
  })
  for (let n = 0; n < 50; n++) gate.admit('a', `r${n}`)
  assert.equal(gate.size, 10)
  let passed = 0
  for (let n = 0; n < 100; n++) if (gate.admit('a', undefined)) passed += 1
  assert.equal(passed, 50)
})
