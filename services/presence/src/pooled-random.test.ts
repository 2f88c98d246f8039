import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '@rollcall/core'
import { pooledRandom } from './pooled-random.ts'

test('no octet is given out twice, and the source is asked seldom', () => {
  let draws = 0
  const source = seededRandom('pool')
  const random = pooledRandom({
    bytes(count) {
      draws++
      return source.bytes(count)
    },
  })
  const seen = new Set<string>()
  for (let i = 0; i < 1_000; i++) seen.add(random.bytes(8).toString('hex'))
  assert.equal(seen.size, 1_000)
  assert.equal(draws, 2)
})
