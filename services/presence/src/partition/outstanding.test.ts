import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Outstanding } from './outstanding.ts'

test('the oldest is what looking through all of them finds', () => {
  const step = fc.tuple(fc.boolean(), fc.bigInt(1n, 30n))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const outstanding = new Outstanding()
      const all: bigint[] = []
      for (const [isAdded, sequence] of steps) {
        if (isAdded) {
          outstanding.add(sequence)
          all.push(sequence)
        } else if (all.includes(sequence)) {
          outstanding.remove(sequence)
          all.splice(all.indexOf(sequence), 1)
        }
        assert.equal(outstanding.oldest, all.toSorted((a, b) => Number(a - b))[0])
      }
    }),
    { seed: 11, numRuns: 500 },
  )
})
