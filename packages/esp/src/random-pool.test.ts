import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '@rollcall/core'
import { pooledRandom } from './mod.ts'

test('hands out each octet of its source once, in order, whatever the pieces', () => {
  const fetched: Buffer[] = []
  const source = seededRandom('pool')
  const counted: Random = {
    bytes(count) {
      const bytes = source.bytes(count)
      fetched.push(bytes)
      return bytes
    },
  }
  const pool = pooledRandom(counted)
  const pieces = Array.from({ length: 1_000 }, () => Buffer.from(pool.bytes(16)))
  assert.equal(new Set(pieces.map((piece) => piece.toString('hex'))).size, 1_000)
  assert.equal(Buffer.concat(fetched).subarray(0, 16_000).equals(Buffer.concat(pieces)), true)
  assert.equal(fetched.length, 4)
  assert.equal(pool.bytes(10_000).length, 10_000)
})
