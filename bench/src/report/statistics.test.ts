import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, quantile } from './statistics.ts'

test('a quantile is the value that so many are not above', () => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  assert.equal(quantile(hundred, 0.5), 50)
  assert.equal(quantile(hundred, 0.99), 99)
  assert.equal(quantile(hundred, 1), 100)
  assert.equal(quantile([7], 0.01), 7)
  assert.equal(quantile([], 0.5), Number.NaN)
})

test('a median is the middle one, or the mean of two', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 2, 3]), 2.5)
  assert.equal(median([5]), 5)
  assert.equal(median([]), Number.NaN)
})
