import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FewMap } from './few-map.ts'

test('few or many, it does what a Map does, in the same order', () => {
  const key = fc.nat(40).map((number) => `k${number}`)
  const step = fc.tuple(fc.constantFrom('set', 'set', 'delete', 'replace'), key, key, fc.nat())
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const few = new FewMap<{ readonly key: string; readonly value: number }>((entry) => entry.key)
      const map = new Map<string, { readonly key: string; readonly value: number }>()
      for (const [act, name, other, value] of steps) {
        const before = [...few.values()]
        const values = few.size < 16 ? few.values() : undefined
        if (act === 'set') {
          few.set({ key: name, value })
          map.set(name, { key: name, value })
        } else if (act === 'replace') {
          few.replace(other, { key: name, value })
          map.delete(other)
          map.set(name, { key: name, value })
        } else assert.equal(few.delete(name), map.delete(name))
        assert.equal(few.size, map.size)
        assert.deepEqual([...few.values()], [...map.values()])
        assert.deepEqual([...few.keys()], [...map.keys()])
        assert.deepEqual(few.get(name), map.get(name))
        assert.equal(few.has(name), map.has(name))
        if (values) assert.deepEqual([...values], before, 'what was few stays as it was for who holds it')
      }
    }),
    { seed: 7, numRuns: 500 },
  )
})
