import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fifo } from './fifo.ts'

test('what comes first goes first, also when many have gone', () => {
  const fifo = new Fifo<number>()
  let next = 0
  let expected = 0
  for (let round = 0; round < 2_000; round++) {
    for (let n = 0; n < 3; n++) fifo.push(next++)
    for (let n = 0; n < (round % 5 === 4 ? 5 : 2); n++) assert.equal(fifo.shift(), expected++)
    assert.equal(fifo.length, next - expected)
    assert.equal(fifo.first, expected)
  }
  while (fifo.length > 0) assert.equal(fifo.shift(), expected++)
  assert.equal(expected, next)
  assert.deepEqual([fifo.shift(), fifo.first, fifo.length], [undefined, undefined, 0])
})
