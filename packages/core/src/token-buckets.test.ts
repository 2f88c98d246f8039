import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TokenBuckets } from './token-buckets.ts'
import { VirtualClock } from './virtual-clock.ts'

test('a bucket gives its burst at once, then one token each interval, and fills up no further', () => {
  const clock = new VirtualClock()
  const buckets = new TokenBuckets(clock, { burst: 3, intervalMs: 1_000 })
  const taken = (): number => Array.from({ length: 10 }, () => buckets.take('a')).filter(Boolean).length
  assert.equal(taken(), 3)
  clock.advance(1_000)
  assert.equal(taken(), 1)
  clock.advance(60_000)
  assert.equal(taken(), 3)
  assert.ok(buckets.take('b'))
})

test('a flood of forged sources takes bounded memory', () => {
  const buckets = new TokenBuckets(new VirtualClock(), { burst: 3, intervalMs: 1_000 })
  for (let n = 0; n < 70_000; n++) buckets.take(`source ${n}`)
  assert.equal(buckets.size, 65_536)
})

test('to look whether there is a token takes none', () => {
  const clock = new VirtualClock()
  const buckets = new TokenBuckets(clock, { burst: 1, intervalMs: 1_000 })
  for (let count = 0; count < 3; count++) assert.ok(buckets.has('a'))
  assert.ok(buckets.take('a'))
  assert.ok(!buckets.has('a'))
  assert.ok(buckets.has('b'))
  clock.advance(1_000)
  assert.ok(buckets.has('a'))
})

test('buckets that are full again are let go of', () => {
  const clock = new VirtualClock()
  const buckets = new TokenBuckets(clock, { burst: 3, intervalMs: 1_000 })
  buckets.take('a')
  clock.advance(500)
  buckets.take('b')
  clock.advance(600)
  buckets.sweep()
  assert.equal(buckets.size, 1)
})
