import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Tally } from './tally.ts'

test('counts by name, and keeps no name that has none', () => {
  const tally = new Tally()
  tally.add('a')
  tally.add('a')
  tally.add('b')
  assert.deepEqual([tally.of('a'), tally.of('b'), tally.of('c'), tally.size], [2, 1, 0, 2])
  tally.remove('a')
  tally.remove('b')
  tally.remove('c')
  assert.deepEqual([tally.of('a'), tally.of('b'), tally.of('c'), tally.size], [1, 0, 0, 1])
})
