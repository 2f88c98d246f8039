import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeAuts, decodeNonce, encodeAuts, encodeNonce, InvalidAutsError, InvalidNonceError } from './mod.ts'
import { AKA_DIGEST_VECTORS, RFC_3310_EXAMPLE } from './vectors/digest.ts'
import { MILENAGE_VECTORS } from './vectors/milenage.ts'

const octets = (count: number): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: count, maxLength: count }).map((bytes) => Buffer.from(bytes))

test('a nonce is base64 of RAND and AUTN, an auts parameter that of AUTS (RFC 3310 section 3.2, 3.4)', () => {
  for (const vector of AKA_DIGEST_VECTORS) {
    const set = MILENAGE_VECTORS.find((candidate) => candidate.set === vector.milenageSet)
    assert.ok(set)
    assert.equal(encodeNonce(Buffer.from(set.rand, 'hex'), Buffer.from(set.autn, 'hex')), vector.nonce)
    const { rand, autn } = decodeNonce(vector.nonce)
    assert.deepEqual([rand.toString('hex'), autn.toString('hex')], [set.rand, set.autn])
    assert.equal(encodeAuts(Buffer.from(set.auts, 'hex')), vector.auts)
    assert.equal(decodeAuts(vector.auts).toString('hex'), set.auts)
  }
})

test('what is encoded comes back, with server data or without (RFC 3310 section 3.2)', () => {
  fc.assert(
    fc.property(octets(16), octets(16), fc.uint8Array({ maxLength: 64 }), (rand, autn, serverData) => {
      assert.deepEqual(decodeNonce(encodeNonce(rand, autn)), { rand, autn })
      const longer = Buffer.concat([rand, autn, serverData]).toString('base64')
      assert.deepEqual(decodeNonce(longer), { rand, autn })
    }),
    { seed: 8 },
  )
})

test("takes the RFC's own example, whose padding is wrong (RFC 3310 section 5)", () => {
  assert.equal(decodeNonce(RFC_3310_EXAMPLE.nonce).rand.toString('latin1'), '344klklkflklfopo')
  // Eleven octets: no AUTS.
  assert.throws(() => decodeAuts(RFC_3310_EXAMPLE.auts), InvalidAutsError)
})

test('refuses a nonce or an auts that holds nothing of the kind', () => {
  const rand = Buffer.alloc(31).toString('base64')
  for (const text of ['', 'abc', rand, '!'.repeat(44), `${'A'.repeat(44)}===`, 'A'.repeat(45), 'A'.repeat(2000)]) {
    assert.throws(() => decodeNonce(text), InvalidNonceError, text.slice(0, 50))
  }
  for (const text of ['', 'A', 'A'.repeat(17), Buffer.alloc(15).toString('base64'), '-_'.repeat(9)]) {
    assert.throws(() => decodeAuts(text), InvalidAutsError, text)
  }
})

test('whatever comes is decoded or refused by its typed error', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 80 }), (text) => {
      try {
        decodeNonce(text)
      } catch (error) {
        assert.ok(error instanceof InvalidNonceError)
      }
      try {
        decodeAuts(text)
      } catch (error) {
        assert.ok(error instanceof InvalidAutsError)
      }
    }),
    { seed: 9 },
  )
})
