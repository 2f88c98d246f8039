import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeSqn, encodeSqn, indOf, joinSqn, SEQ_MAX, SQN_MAX, seqOf } from './sqn.ts'

test('SQN is SEQ of 43 bits and IND of 5 (TS 33.102 clause C.1.1.1, TS 33.102 clause C.3)', () => {
  assert.equal(joinSqn(1n, 0), 32n)
  assert.equal(joinSqn(SEQ_MAX, 31), SQN_MAX)
  assert.equal(SQN_MAX, 0xffff_ffff_ffffn)
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: SEQ_MAX }), fc.integer({ min: 0, max: 31 }), (seq, ind) => {
      const sqn = joinSqn(seq, ind)
      assert.equal(seqOf(sqn), seq)
      assert.equal(indOf(sqn), ind)
    }),
    { seed: 1 },
  )
})

test('SQN goes into 6 octets and comes back exactly', () => {
  assert.equal(encodeSqn(0xff9b_b4d0_b607n).toString('hex'), 'ff9bb4d0b607')
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: SQN_MAX }), (sqn) => {
      assert.equal(decodeSqn(encodeSqn(sqn)), sqn)
    }),
    { seed: 2 },
  )
  assert.throws(() => encodeSqn(SQN_MAX + 1n), /48 bits/)
  assert.throws(() => encodeSqn(-1n), /48 bits/)
})
