import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import fc from 'fast-check'
import { answerChallenge, generateVector, type IsimState, newIsimState, type SqnRules } from './mod.ts'
import { joinSqn, SEQ_DELTA } from './sqn.ts'

const KEYS = { k: new Secret(Buffer.alloc(16, 7)), opc: new Secret(Buffer.alloc(16, 8)) }
const RAND = Buffer.alloc(16, 9)

function present(state: IsimState, sqn: bigint, rules?: SqnRules) {
  const { autn } = generateVector(KEYS, { sqn, amf: Buffer.alloc(2), rand: RAND })
  return answerChallenge(KEYS, { rand: RAND, autn, state, ...(rules && { rules }) })
}

/** An ISIM that accepted this SEQ under IND 0 and nothing else. */
function after(seq: bigint): IsimState {
  return { sqnArray: newIsimState().sqnArray.with(0, seq) }
}

test('without an age limit an old SEQ under an unused IND is taken, as the profile wants it (TS 33.102 clause C.3.2)', () => {
  assert.equal(present(after(1_000_000n), joinSqn(1n, 5)).kind, 'success')
})

test('with an age limit L a SEQ further behind SEQ_MS than L is refused, whatever its IND (TS 33.102 clause C.2.2)', () => {
  const rules = { ageLimit: 100n }
  assert.equal(present(after(1_000n), joinSqn(900n, 5), rules).kind, 'success')
  assert.equal(present(after(1_000n), joinSqn(899n, 5), rules).kind, 'sync-failure')
})

test('delta bounds how far ahead one SEQ may go, and the operator may set it (TS 33.102 clause C.2.1)', () => {
  assert.equal(present(after(10n), joinSqn(10n + SEQ_DELTA, 5)).kind, 'success')
  assert.equal(present(after(10n), joinSqn(11n + SEQ_DELTA, 5)).kind, 'sync-failure')
  assert.equal(present(after(10n), joinSqn(15n, 5), { delta: 5n }).kind, 'success')
  assert.equal(present(after(10n), joinSqn(16n, 5), { delta: 5n }).kind, 'sync-failure')
})

test('accepted is what is within L and delta and above SEQ_MS(i) of its own IND, and nothing else (TS 33.102 clause C.2.2)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.bigInt({ min: 0n, max: 300n }), { minLength: 32, maxLength: 32 }),
      fc.bigInt({ min: 1n, max: 400n }),
      fc.integer({ min: 0, max: 31 }),
      (sqnArray, seq, ind) => {
        let highest = 0n
        for (const accepted of sqnArray) if (accepted > highest) highest = accepted
        const isRight = seq - highest <= 60n && highest - seq <= 80n && seq > (sqnArray[ind] ?? 0n)
        const answer = present({ sqnArray }, joinSqn(seq, ind), { delta: 60n, ageLimit: 80n })
        assert.equal(answer.kind, isRight ? 'success' : 'sync-failure')
      },
    ),
    { seed: 52, numRuns: 500 },
  )
})
