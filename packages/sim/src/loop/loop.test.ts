import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as realImmediate } from 'node:timers/promises'
import fc from 'fast-check'
import { NodeClock } from './node-clock.ts'
import { type HeapEntry, TimerHeap } from './timer-heap.ts'
import { World } from './world.ts'

test('a heap gives entries in the order of time, then of creation, without the cancelled', () => {
  const entry = fc.record({ dueMs: fc.nat({ max: 20 }), isCancelled: fc.boolean() })
  fc.assert(
    fc.property(fc.array(entry), (all) => {
      const heap = new TimerHeap()
      const entries = all.map(({ dueMs, isCancelled }, order): HeapEntry & { isCancelled: boolean } => {
        return { dueMs, order, act: () => {}, isCancelled }
      })
      for (const one of entries) heap.push(one)
      for (const one of entries) if (one.isCancelled) one.act = undefined
      const expected = entries.filter(({ isCancelled }) => !isCancelled)
      expected.sort((one, other) => one.dueMs - other.dueMs || one.order - other.order)
      const found: HeapEntry[] = []
      for (let next = heap.pop(); next; next = heap.pop()) found.push(next)
      assert.deepEqual(found, expected)
    }),
  )
})

test('promises and immediates of one moment run to their end before time goes on', async () => {
  const world = new World(() => false)
  const seen: string[] = []
  await world.own(async () => {
    world.setTimer(10, () => {
      setImmediate(async () => {
        seen.push(`immediate ${world.monotonic()}`)
        for (let hop = 0; hop < 50; hop += 1) await undefined
        setImmediate(() => seen.push(`nested ${world.monotonic()}`))
      })
      void Promise.resolve().then(() => seen.push(`promise ${world.monotonic()}`))
    })
    world.setTimer(10.001, () => seen.push('later'))
    await world.run(20)
  })
  assert.deepEqual(seen, ['promise 10', 'immediate 10', 'nested 10', 'later'])
  await realImmediate()
  let isReal = false
  setImmediate(() => {
    isReal = true
  })
  await realImmediate()
  assert.ok(isReal, 'the process has its own loop again')
})

test('time stands still once it is over', async () => {
  let isOver = false
  const world = new World(() => isOver)
  world.setTimer(5, () => {
    isOver = true
  })
  world.setTimer(6, () => assert.fail('it is over'))
  await world.own(async () => await world.run(20))
  assert.equal(world.monotonic(), 5)
})

test('a stopped process does nothing, and everything when it goes on; a dead one never does', async () => {
  const world = new World(() => false)
  const clock = new NodeClock(world, { rate: 1.25, startMs: 100, wallOffsetMs: 7 })
  const seen: string[] = []
  const note = (what: string): void => void seen.push(`${what} ${world.monotonic()}`)
  clock.setTimer(25, () => note('timer'))
  clock.setTimer(50, () => note('cancelled')).cancel()
  await world.own(async () => {
    await world.run(10)
    clock.stop()
    clock.setTimer(1, () => note('second'))
    clock.whenAwake(() => note('message'))
    await world.run(30)
    assert.deepEqual(seen, [])
    assert.equal(clock.monotonic(), 150)
    clock.goOn()
    await world.run(1)
    assert.deepEqual(seen, ['message 40', 'second 40', 'timer 40'])
    clock.setTimer(5, () => note('never'))
    clock.die()
    clock.whenAwake(() => note('never'))
    await world.run(100)
  })
  assert.equal(seen.length, 3)
  const before = clock.now()
  clock.jump(-3_600_000)
  assert.equal(clock.now(), before - 3_600_000)
})
