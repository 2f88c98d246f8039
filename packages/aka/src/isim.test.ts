import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Secret, seededRandom } from '@rollcall/core'
import fc from 'fast-check'
import {
  type AuthenticationVector,
  answerChallenge,
  type ChallengeAnswer,
  formatIsimState,
  generateVector,
  InvalidIsimStateError,
  type IsimState,
  newIsimState,
  newSqnState,
  nextSqn,
  parseIsimState,
  resynchronise,
  type SqnSlice,
  verifyAuts,
} from './mod.ts'
import { joinSqn, SEQ_DELTA, SEQ_MAX } from './sqn.ts'
import { MILENAGE_VECTORS } from './vectors/milenage.ts'

const random = seededRandom('isim')
const keys = { k: new Secret(random.bytes(16)), opc: new Secret(random.bytes(16)) }
const amf = Buffer.alloc(2)

function vectorOf(sqn: bigint): AuthenticationVector {
  return generateVector(keys, { sqn, amf, rand: random.bytes(16) })
}

function answer(state: IsimState, vector: { rand: Buffer; autn: Buffer }): ChallengeAnswer {
  return answerChallenge(keys, { rand: vector.rand, autn: vector.autn, state })
}

function accept(state: IsimState, vector: AuthenticationVector): IsimState {
  const answered = answer(state, vector)
  assert.ok(answered.kind === 'success', answered.kind)
  return answered.state
}

test('answers a genuine challenge with RES, CK and IK of the network (TS 33.102 clause 6.3.3)', () => {
  const vector = vectorOf(32n)
  const answered = answer(newIsimState(), vector)
  assert.ok(answered.kind === 'success')
  assert.ok(answered.res.equals(vector.xres))
  assert.ok(answered.ck.equals(vector.ck))
  assert.ok(answered.ik.equals(vector.ik))
  assert.equal(answered.state.sqnArray[0], 1n)
})

test('answers the challenges of the published test sets (TS 35.208 clause 4)', () => {
  for (const vector of MILENAGE_VECTORS) {
    const sqn = BigInt(`0x${vector.sqn}`)
    // As if the ISIM had just accepted the SEQ before, since these SQNs are far ahead of a new one.
    const state = { sqnArray: newIsimState().sqnArray.with(Number(sqn & 31n), (sqn >> 5n) - 1n) }
    const answered = answerChallenge(
      { k: Secret.fromHex(vector.k), opc: Secret.fromHex(vector.opc) },
      { rand: Buffer.from(vector.rand, 'hex'), autn: Buffer.from(vector.autn, 'hex'), state },
    )
    assert.ok(answered.kind === 'success', `set ${vector.set}: ${answered.kind}`)
    assert.equal(answered.res.reveal().toString('hex'), vector.f2)
    assert.equal(answered.ck.reveal().toString('hex'), vector.f3)
    assert.equal(answered.ik.reveal().toString('hex'), vector.f4)
  }
})

test('any changed bit of AUTN or RAND is a MAC failure, never a synchronisation failure (TS 33.102 clause 6.3.3)', () => {
  // The ISIM is ahead, so that SQN alone would be refused too.
  const state = accept(newIsimState(), vectorOf(joinSqn(500n, 0)))
  const vector = vectorOf(joinSqn(1n, 0))
  for (let bit = 0; bit < 128; bit++) {
    for (const part of ['rand', 'autn'] as const) {
      const changed = { rand: Buffer.from(vector.rand), autn: Buffer.from(vector.autn) }
      changed[part].writeUInt8(changed[part].readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3)
      assert.equal(answer(state, changed).kind, 'mac-failure', `${part} bit ${bit}`)
    }
  }
})

test('a challenge answered once is a synchronisation failure the second time (TS 33.102 clause C.2.2)', () => {
  const vector = vectorOf(32n)
  const state = accept(newIsimState(), vector)
  const answered = answer(state, vector)
  assert.ok(answered.kind === 'sync-failure')
  assert.equal(verifyAuts(keys, { rand: vector.rand, auts: answered.auts }), 32n)
})

test('vectors in stock are accepted in any order, each index remembering its own SEQ (TS 33.102 clause C.2.2)', () => {
  fc.assert(
    fc.property(fc.shuffledSubarray(Array.from({ length: 16 }, (_, i) => i)), (order) => {
      let network = newSqnState(32n)
      const stock = Array.from({ length: 16 }, () => {
        const next = nextSqn(network, 'cx')
        network = next.state
        return vectorOf(next.sqn)
      })
      let state = newIsimState()
      for (const index of order) {
        const vector = stock[index]
        assert.ok(vector)
        state = accept(state, vector)
        assert.equal(answer(state, vector).kind, 'sync-failure')
      }
    }),
    { seed: 5, numRuns: 20 },
  )
})

test('SEQ may lie up to delta above the highest accepted one, and no further (TS 33.102 clause C.2.1)', () => {
  const state = accept(newIsimState(), vectorOf(joinSqn(10n, 0)))
  assert.equal(answer(state, vectorOf(joinSqn(10n + SEQ_DELTA, 1))).kind, 'success')
  const answered = answer(state, vectorOf(joinSqn(11n + SEQ_DELTA, 1)))
  assert.equal(answered.kind, 'sync-failure')
})

test('AUTS reports the highest SQN accepted, whichever index it came by (TS 33.102 clause C.2.1)', () => {
  let state = accept(newIsimState(), vectorOf(joinSqn(40n, 17)))
  state = accept(state, vectorOf(joinSqn(39n, 3)))
  const stale = vectorOf(joinSqn(39n, 3))
  const answered = answer(state, stale)
  assert.ok(answered.kind === 'sync-failure')
  assert.equal(verifyAuts(keys, { rand: stale.rand, auts: answered.auts }), joinSqn(40n, 17))
})

test('a refusal leaves the state as it was', () => {
  const state = accept(newIsimState(), vectorOf(joinSqn(40n, 17)))
  const before = formatIsimState(state)
  answer(state, vectorOf(joinSqn(1n, 17)))
  answer(state, { rand: Buffer.alloc(16), autn: Buffer.alloc(16) })
  assert.deepEqual(formatIsimState(state), before)
})

test('one resynchronisation always brings network and ISIM together (TS 33.102 clause 6.3.5)', () => {
  const anySeq = fc.bigInt({ min: 0n, max: SEQ_MAX - 2n })
  fc.assert(
    fc.property(
      anySeq,
      fc.array(fc.tuple(anySeq, fc.integer({ min: 0, max: 31 })), { maxLength: 4 }),
      fc.constantFrom<SqnSlice>('cx', 'zh', 'other'),
      (networkSeq, accepted, slice) => {
        let state = newIsimState()
        for (const [seq, ind] of accepted) state = { sqnArray: state.sqnArray.with(ind, seq) }
        const first = nextSqn({ seq: networkSeq, nextInd: { cx: 0, zh: 16, other: 24 } }, slice)
        const challenge = vectorOf(first.sqn)
        const answered = answer(state, challenge)
        if (answered.kind === 'success') return
        assert.ok(answered.kind === 'sync-failure')
        const sqnMs = verifyAuts(keys, { rand: challenge.rand, auts: answered.auts })
        assert.ok(sqnMs !== undefined)
        const second = nextSqn(resynchronise(first.state, sqnMs).state, slice)
        accept(state, vectorOf(second.sqn))
      },
    ),
    { seed: 6 },
  )
})

test('the state goes through JSON exactly', () => {
  fc.assert(
    fc.property(fc.array(fc.bigInt({ min: 0n, max: SEQ_MAX }), { minLength: 32, maxLength: 32 }), (sqnArray) => {
      assert.deepEqual(parseIsimState(JSON.parse(JSON.stringify(formatIsimState({ sqnArray })))), { sqnArray })
    }),
    { seed: 7 },
  )
})

test('refuses a stored state that is damaged, rather than to guess', () => {
  const good = formatIsimState(newIsimState()).sqnArray
  const cases: unknown[] = [
    undefined,
    null,
    [],
    'state',
    {},
    { sqnArray: 'x' },
    { sqnArray: good.slice(1) },
    { sqnArray: [...good, '0'] },
    { sqnArray: good.with(3, '-1') },
    { sqnArray: good.with(3, '1e3') },
    { sqnArray: good.with(3, '') },
    { sqnArray: [...good.slice(1), 5] },
    { sqnArray: good.with(3, String(SEQ_MAX + 1n)) },
  ]
  for (const json of cases) assert.throws(() => parseIsimState(json), InvalidIsimStateError)
})
