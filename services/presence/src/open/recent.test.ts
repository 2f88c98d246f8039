import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { Recent } from './recent.ts'

test('what was remembered is found for so long, and not much longer', () => {
  const clock = new VirtualClock()
  const recent = new Recent<number>({ clock, retainMs: 32_000, entriesMax: 300 })
  clock.advance(9_000)
  recent.remember('a', 1)
  clock.advance(32_000)
  assert.equal(recent.find('a'), 1)
  clock.advance(16_000)
  assert.equal(recent.find('a'), undefined)
  recent.remember('b', 2)
  clock.advance(3_600_000)
  assert.equal(recent.find('b'), undefined)
})

test('of too many the oldest are forgotten early', () => {
  const recent = new Recent<number>({ clock: new VirtualClock(), retainMs: 32_000, entriesMax: 300 })
  for (let i = 0; i < 1_000; i++) recent.remember(`k${i}`, i)
  assert.equal(recent.find('k999'), 999)
  assert.equal(recent.find('k800'), 800)
  assert.equal(recent.find('k600'), undefined)
})
