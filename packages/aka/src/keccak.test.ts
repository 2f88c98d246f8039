import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { KECCAK_STATE_OCTETS, keccakF1600 } from './keccak.ts'

/** SHA3-256 over our permutation: rate 136, domain bits 01 and pad10*1 (FIPS 202 section 5.1 and 6.1). */
function sha3(message: Buffer): Buffer {
  const rate = 136
  const padded = Buffer.alloc((Math.floor(message.length / rate) + 1) * rate)
  message.copy(padded)
  padded[message.length] = 0x06
  padded[padded.length - 1] = (padded[padded.length - 1] ?? 0) | 0x80
  const state = Buffer.alloc(KECCAK_STATE_OCTETS)
  for (let block = 0; block < padded.length; block += rate) {
    for (let i = 0; i < rate; i++) state[i] = (state[i] ?? 0) ^ (padded[block + i] ?? 0)
    keccakF1600(state)
  }
  return state.subarray(0, 32)
}

test('Keccak-f[1600] is the one of SHA-3: the hash over it is that of OpenSSL, whatever the message (FIPS 202, TS 35.231 clause 6)', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
      const message = Buffer.from(bytes)
      assert.deepEqual(sha3(message), createHash('sha3-256').update(message).digest())
    }),
    { seed: 51 },
  )
})

test('takes a state of 200 octets and no other', () => {
  assert.throws(() => keccakF1600(Buffer.alloc(199)), /200 octets/)
})
