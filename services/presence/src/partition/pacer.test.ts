import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { Pacer } from './pacer.ts'

test('each has its interval, all have one timer', () => {
  const clock = new VirtualClock()
  const rested: string[] = []
  const pacer = new Pacer<string>({ clock, intervalMs: 1_000, onRested: (item) => void rested.push(item) })
  for (const item of ['a', 'b', 'c']) {
    assert.ok(pacer.rest(item))
    clock.advance(300)
  }
  assert.equal(clock.pending, 1)
  clock.advance(99)
  assert.deepEqual(rested, [])
  clock.advance(1)
  assert.deepEqual(rested, ['a'])
  clock.advance(600)
  assert.deepEqual(rested, ['a', 'b', 'c'])
  assert.equal(clock.pending, 0)
})

test('what is handed in while others are told has its own interval', () => {
  const clock = new VirtualClock()
  const rested: number[] = []
  const pacer: Pacer<number> = new Pacer({
    clock,
    intervalMs: 10,
    onRested: (n) => {
      rested.push(clock.monotonic())
      if (n > 0) pacer.rest(n - 1)
    },
  })
  pacer.rest(2)
  clock.advance(100)
  assert.deepEqual(rested, [10, 20, 30])
})

test('without an interval nothing rests, and after the end nothing is told', () => {
  const clock = new VirtualClock()
  const none = new Pacer({ clock, intervalMs: 0, onRested: () => assert.fail('it rests not') })
  assert.equal(none.rest(1), false)
  const pacer = new Pacer({ clock, intervalMs: 10, onRested: () => assert.fail('it has ended') })
  pacer.rest(1)
  pacer.stop()
  clock.advance(100)
})
