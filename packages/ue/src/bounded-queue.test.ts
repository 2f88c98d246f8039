import assert from 'node:assert/strict'
import test from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { BoundedQueue } from './bounded-queue.ts'

test('at its bound the oldest item gives way and is counted', async () => {
  const queue = new BoundedQueue<number>({ itemsMax: 2, clock: new VirtualClock() })
  for (const item of [1, 2, 3]) queue.push(item)
  assert.equal(queue.dropped, 1)
  assert.deepEqual(await queue.take(), { kind: 'item', item: 2 })
  assert.deepEqual(await queue.take(), { kind: 'item', item: 3 })
})

test('who waits gets the next item, in the order of asking', async () => {
  const queue = new BoundedQueue<string>({ itemsMax: 2, clock: new VirtualClock() })
  const waiting = [queue.take(), queue.take()]
  queue.push('a')
  queue.push('b')
  assert.deepEqual(await Promise.all(waiting), [
    { kind: 'item', item: 'a' },
    { kind: 'item', item: 'b' },
  ])
})

test('a wait with a bound ends by the clock, and takes no item that comes later', async () => {
  const clock = new VirtualClock()
  const queue = new BoundedQueue<string>({ itemsMax: 2, clock })
  const waiting = queue.take(100)
  clock.advance(100)
  queue.push('late')
  assert.deepEqual(await waiting, { kind: 'timeout' })
  assert.deepEqual(await queue.take(100), { kind: 'item', item: 'late' })
  assert.equal(clock.pending, 0)
})

test('after its end what is inside comes out, then the end', async () => {
  const queue = new BoundedQueue<string>({ itemsMax: 2, clock: new VirtualClock() })
  queue.push('last')
  queue.end()
  queue.push('too late')
  const seen: string[] = []
  for await (const item of queue) seen.push(item)
  assert.deepEqual(seen, ['last'])
})

test('who waits at the end is told', async () => {
  const clock = new VirtualClock()
  const queue = new BoundedQueue<string>({ itemsMax: 2, clock })
  const waiting = queue.take(100)
  queue.end()
  assert.deepEqual(await waiting, { kind: 'ended' })
  assert.equal(clock.pending, 0)
})
