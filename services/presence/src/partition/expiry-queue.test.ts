import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ExpiryQueue } from './expiry-queue.ts'

const item = (name: string | number) => ({ name, lookAtMs: Number.POSITIVE_INFINITY })

test('an item is due at its earliest time, once, in order', () => {
  const queue = new ExpiryQueue<ReturnType<typeof item>>()
  const [a, b, c] = [item('a'), item('b'), item('c')]
  queue.schedule(a, 30)
  queue.schedule(b, 20)
  queue.schedule(a, 40)
  queue.schedule(a, 10)
  queue.schedule(c, Number.POSITIVE_INFINITY)
  const due: unknown[] = []
  for (let one = queue.takeDue(25); one !== undefined; one = queue.takeDue(25)) due.push(one.name)
  assert.deepEqual(due, ['a', 'b'])
  assert.equal(queue.takeDue(100), undefined)
})

test('an item can be taken out of turn when it is due, or forgotten', () => {
  const queue = new ExpiryQueue<ReturnType<typeof item>>()
  const [a, b] = [item('a'), item('b')]
  queue.schedule(a, 30)
  queue.schedule(b, 40)
  assert.ok(!queue.take(a, 29))
  assert.ok(queue.take(a, 30))
  queue.forget(b)
  assert.equal(queue.takeDue(100), undefined)
})

test('agrees with a list that is searched', () => {
  const action = fc.record({
    do: fc.constantFrom('schedule', 'schedule', 'due', 'take', 'forget'),
    key: fc.nat(8),
    dueMs: fc.nat(100),
  })
  fc.assert(
    fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
      const queue = new ExpiryQueue<ReturnType<typeof item>>()
      const items = Array.from({ length: 9 }, (_, key) => item(key))
      const model = new Map<number, number>()
      for (const { do: what, key, dueMs } of actions) {
        const one = items[key]
        assert.ok(one)
        if (what === 'schedule') {
          queue.schedule(one, dueMs)
          model.set(key, Math.min(model.get(key) ?? dueMs, dueMs))
        } else if (what === 'take') {
          const isDue = (model.get(key) ?? Number.POSITIVE_INFINITY) <= dueMs
          assert.equal(queue.take(one, dueMs), isDue)
          if (isDue) model.delete(key)
        } else if (what === 'forget') {
          queue.forget(one)
          model.delete(key)
        } else {
          const due = queue.takeDue(dueMs)
          const earliest = Math.min(...model.values())
          if (earliest > dueMs) assert.equal(due, undefined)
          else {
            assert.equal(model.get(due?.name as number), earliest)
            model.delete(due?.name as number)
          }
        }
      }
    }),
    { seed: 4, numRuns: 2_000 },
  )
})

test('what has no meaning any more is let go', () => {
  const queue = new ExpiryQueue<ReturnType<typeof item>>()
  const stays = item('stays')
  queue.schedule(stays, 1_000_000)
  for (let i = 0; i < 10_000; i++) {
    const one = item(i)
    queue.schedule(one, 900_000 - i)
    queue.forget(one)
  }
  assert.equal(queue.takeDue(1_000_000), stays)
  assert.equal(queue.nextDueMs, Number.POSITIVE_INFINITY)
})
