/** Mistakes seen in other networks' code with SQN and AUTS (ims-access 10, rows 7 to 10): none of them is made here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret } from '@rollcall/core'
import type { AkaKeys } from './aka-functions.ts'
import { createAkaFunctions } from './aka-functions.ts'
import { answerChallenge, generateVector, newSqnState, nextSqn, resynchronise, verifyAuts } from './mod.ts'
import { encodeSqn, indOf, joinSqn, SEQ_MAX, seqOf } from './sqn.ts'
import { generateAuts } from './vector.ts'

const RAND = Buffer.alloc(16, 0x42)
const AMF = Buffer.from('b9b9', 'hex')
const SETS: [string, AkaKeys][] = [
  ['Milenage', { k: new Secret(Buffer.alloc(16, 1)), opc: new Secret(Buffer.alloc(16, 2)) }],
  ['TUAK', { k: new Secret(Buffer.alloc(32, 1)), topc: new Secret(Buffer.alloc(32, 2)) }],
]

for (const [name, keys] of SETS) {
  const functions = createAkaFunctions(keys, RAND)
  const sqnMs = joinSqn(5_000n, 7)

  test(`${name}: an AUTS is accepted by itself: no digest, no registration is looked at (row 7) (TS 33.102 clause 6.3.5)`, () => {
    assert.equal(verifyAuts(keys, { rand: RAND, auts: generateAuts(functions, sqnMs) }), sqnMs)
  })

  test(`${name}: MAC-S is over AMF 0000 at both ends, and compared (rows 8 and 10) (TS 33.102 clause 6.3.3)`, () => {
    const auts = generateAuts(functions, sqnMs)
    const withZero = functions.f1Star(encodeSqn(sqnMs), Buffer.alloc(2))
    assert.deepEqual(auts.subarray(6), withZero)
    const withRecordsAmf = Buffer.concat([auts.subarray(0, 6), functions.f1Star(encodeSqn(sqnMs), AMF)])
    assert.equal(verifyAuts(keys, { rand: RAND, auts: withRecordsAmf }), undefined)
    // f1 instead of f1*, and a MAC-S that was never computed.
    const withF1 = Buffer.concat([auts.subarray(0, 6), functions.f1(encodeSqn(sqnMs), Buffer.alloc(2))])
    assert.equal(verifyAuts(keys, { rand: RAND, auts: withF1 }), undefined)
    assert.equal(verifyAuts(keys, { rand: RAND, auts: Buffer.alloc(14) }), undefined)
  })

  test(`${name}: after AUTS the next vector is one above SQN_MS in SEQ and the ISIM takes it (rows 8 and 10) (TS 33.102 clause 6.3.5)`, () => {
    // An ISIM that met another network: every index stands at 5,000.
    const isim = { sqnArray: new Array<bigint>(32).fill(5_000n) }
    const first = nextSqn(newSqnState(32n), 'cx')
    const refused = answerChallenge(keys, {
      rand: RAND,
      autn: generateVector(keys, { sqn: first.sqn, amf: AMF, rand: RAND }).autn,
      state: isim,
    })
    assert.ok(refused.kind === 'sync-failure')
    const reported = verifyAuts(keys, { rand: RAND, auts: refused.auts })
    assert.ok(reported !== undefined && seqOf(reported) === 5_000n)
    const { state } = resynchronise(first.state, reported)
    const next = nextSqn(state, 'cx').sqn
    // Not SQN_MS + 1, which stays inside of IND, and not SQN_MS + 100.
    assert.equal(seqOf(next), 5_001n)
    const taken = answerChallenge(keys, {
      rand: RAND,
      autn: generateVector(keys, { sqn: next, amf: AMF, rand: RAND }).autn,
      state: isim,
    })
    assert.equal(taken.kind, 'success')
  })
}

test('SEQ has 43 bits above the 5 of IND, in numbers that JavaScript does not cut (row 8) (TS 33.102 clause C.1.1.1)', () => {
  // 2^31, 2^32 and 2^42 in SEQ: 32-bit operators would lose them.
  for (const seq of [2n ** 31n, 2n ** 32n, 2n ** 42n, SEQ_MAX - 1n]) {
    const { sqn } = nextSqn({ seq, nextInd: { cx: 15, zh: 16, other: 24 } }, 'cx')
    assert.deepEqual([seqOf(sqn), indOf(sqn)], [seq + 1n, 15])
  }
})

test('SQN goes up by one SEQ a vector, and no vector comes twice (row 9) (TS 33.102 clause C.3.2)', () => {
  let state = newSqnState(32n)
  const seen = new Set<bigint>()
  for (let count = 1n; count <= 100n; count++) {
    const next = nextSqn(state, 'cx')
    assert.equal(seqOf(next.sqn), count)
    seen.add(next.sqn)
    state = next.state
  }
  assert.equal(seen.size, 100)
})
