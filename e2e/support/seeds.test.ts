import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Dice, seedsOf } from './seeds.ts'

test('the same seed makes the same choices, another one others', () => {
  const choices = (seed: string): unknown[] => {
    const dice = new Dice(seed)
    return [
      dice.below(1_000),
      dice.between(5, 9),
      dice.shuffled([1, 2, 3, 4, 5]),
      dice.percent(50),
      dice.pick('abcdef'.split('')),
    ]
  }
  assert.deepEqual(choices('7'), choices('7'))
  assert.notDeepEqual(choices('7'), choices('8'))
})

test('a shuffle keeps everything, and a pick from nothing is an error', () => {
  const dice = new Dice('1')
  assert.deepEqual(dice.shuffled([1, 2, 3]).toSorted(), [1, 2, 3])
  assert.throws(() => dice.pick([]), RangeError)
})

test('a person may ask for other seeds', () => {
  assert.deepEqual(seedsOf([1, 2], {}), [1, 2])
  assert.deepEqual(seedsOf([1, 2], { ROLLCALL_E2E_SEEDS: '7,9' }), [7, 9])
})
