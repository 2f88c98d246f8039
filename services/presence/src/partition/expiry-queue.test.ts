import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ExpiryQueue } from './expiry-queue.ts'

test('a key is due at its earliest time, once, in order', () => {
  const queue = new ExpiryQueue<string>()
  queue.schedule('a', 30)
  queue.schedule('b', 20)
  queue.schedule('a', 40)
  queue.schedule('a', 10)
  queue.schedule('c', Number.POSITIVE_INFINITY)
  const due: string[] = []
  for (let key = queue.takeDue(25); key !== undefined; key = queue.takeDue(25)) due.push(key)
  assert.deepEqual(due, ['a', 'b'])
  assert.equal(queue.takeDue(100), undefined)
})

test('a key can be taken out of turn when it is due', () => {
  const queue = new ExpiryQueue<string>()
  queue.schedule('a', 30)
  assert.ok(!queue.take('a', 29))
  assert.ok(queue.take('a', 30))
  assert.equal(queue.takeDue(100), undefined)
})

test('agrees with a list that is searched', () => {
  const action = fc.oneof(
    fc.record({ do: fc.constant('schedule' as const), key: fc.nat(8), dueMs: fc.nat(100) }),
    fc.record({ do: fc.constant('due' as const), key: fc.constant(0), dueMs: fc.nat(100) }),
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const queue = new ExpiryQueue<number>()
      const model = new Map<number, number>()
      for (const { do: what, key, dueMs } of actions) {
        if (what === 'schedule') {
          queue.schedule(key, dueMs)
          model.set(key, Math.min(model.get(key) ?? dueMs, dueMs))
          continue
        }
        const due = queue.takeDue(dueMs)
        const earliest = Math.min(...model.values())
        if (earliest > dueMs) assert.equal(due, undefined)
        else {
          assert.equal(model.get(due as number), earliest)
          model.delete(due as number)
        }
      }
    }),
    { seed: 4, numRuns: 2_000 },
  )
})
