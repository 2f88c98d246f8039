import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import fc from 'fast-check'
import { createIdentityHash } from './identity-hash.ts'

test('it is HMAC-SHA-256, shortened to 96 bits, as the crypto of Node has it (RFC 2104)', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.string({ minLength: 1_000, maxLength: 1_100 }),
  )
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 32, maxLength: 130 }), fc.array(text), (octets, texts) => {
      const key = Buffer.from(octets)
      const hashOf = createIdentityHash(new Secret(Buffer.from(key)))
      for (const one of texts) {
        assert.equal(hashOf(one), createHmac('sha256', key).update(one).digest('base64url').slice(0, 16))
      }
    }),
    { seed: 2104, numRuns: 200 },
  )
})
