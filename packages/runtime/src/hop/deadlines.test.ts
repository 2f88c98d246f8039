import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { Deadlines } from './deadlines.ts'

interface Item {
  name: string
  tick: number
}

function setUp() {
  const clock = new VirtualClock()
  const expired: string[] = []
  const deadlines = new Deadlines<Item>(clock, (item) => expired.push(`${item.name}@${clock.monotonic()}`))
  const add = (name: string, delayMs: number): Item => {
    const item = { name, tick: 0 }
    deadlines.add(item, delayMs)
    return item
  }
  return { clock, expired, deadlines, add }
}

test('what is not removed expires once, at most a tenth of a second late', () => {
  const { clock, expired, deadlines, add } = setUp()
  add('a', 1_000)
  const b = add('b', 500)
  add('c', 250)
  add('d', 0)
  deadlines.remove(b)
  deadlines.remove(b)
  assert.equal(deadlines.size, 3)
  clock.advance(5_000)
  assert.deepEqual(expired, ['d@100', 'c@300', 'a@1000'])
  assert.equal(deadlines.size, 0)
})

test('no timer runs while nobody waits', () => {
  const { clock, expired, deadlines, add } = setUp()
  assert.equal(clock.pending, 0)
  deadlines.remove(add('a', 10_000))
  clock.advance(200)
  assert.equal(clock.pending, 0)
  clock.advance(60_000)
  add('late', 1_000)
  clock.advance(1_000)
  assert.deepEqual(expired, ['late@61200'])
})

test('what is added while others expire waits its own time', () => {
  const clock = new VirtualClock()
  const expired: number[] = []
  const deadlines: Deadlines<Item> = new Deadlines<Item>(clock, () => {
    expired.push(clock.monotonic())
    if (expired.length < 3) deadlines.add({ name: '', tick: 0 }, 200)
  })
  deadlines.add({ name: '', tick: 0 }, 200)
  clock.advance(10_000)
  assert.deepEqual(expired, [200, 400, 600])
})

test('a clear forgets what waits', () => {
  const { clock, expired, deadlines, add } = setUp()
  add('a', 100)
  assert.deepEqual(
    [...deadlines.items()].map((item) => item.name),
    ['a'],
  )
  deadlines.clear()
  clock.advance(1_000)
  assert.deepEqual(expired, [])
  assert.equal(clock.pending, 0)
})
