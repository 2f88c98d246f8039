import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  newSqnState,
  nextSqn,
  reserveSqnBlock,
  resynchronise,
  resynchroniseBlock,
  type SqnBlock,
  SqnExhaustedError,
  type SqnSlice,
  type SqnState,
  takeSqn,
} from './mod.ts'
import { indOf, joinSqn, SEQ_DELTA, SEQ_MAX, SQN_MAX, seqOf } from './sqn.ts'

const SLICES: readonly SqnSlice[] = ['cx', 'zh', 'other']
const BOUNDS = { cx: [0, 15], zh: [16, 23], other: [24, 31] } as const
const anySlice = fc.constantFrom(...SLICES)

function take(block: SqnBlock, slice: SqnSlice): { sqn: bigint; block: SqnBlock } {
  const taken = takeSqn(block, slice)
  assert.ok(taken)
  return taken
}

test('a new subscriber begins with the SQN given (TS 33.102 clause C.1)', () => {
  assert.equal(nextSqn(newSqnState(32n), 'cx').sqn, 32n)
  assert.equal(nextSqn(newSqnState(joinSqn(7n, 5)), 'cx').sqn, joinSqn(7n, 5))
  assert.equal(nextSqn(newSqnState(joinSqn(7n, 20)), 'zh').sqn, joinSqn(7n, 20))
  // SEQ 0 would not be fresh to a new ISIM.
  assert.equal(seqOf(nextSqn(newSqnState(0n), 'cx').sqn), 1n)
})

test('SEQ goes up by one whoever asks, IND goes round in the slice of each (TS 33.102 clause C.3.2, C.3.4)', () => {
  let state = newSqnState(32n)
  const seen: Record<SqnSlice, number[]> = { cx: [], zh: [], other: [] }
  for (let i = 0; i < 96; i++) {
    const slice = SLICES[i % 3] ?? 'cx'
    const next = nextSqn(state, slice)
    assert.equal(seqOf(next.sqn), BigInt(i) + 1n)
    seen[slice].push(indOf(next.sqn))
    state = next.state
  }
  for (const slice of SLICES) {
    const [first, last] = BOUNDS[slice]
    const round = Array.from({ length: last - first + 1 }, (_, i) => first + i)
    const expected = Array.from({ length: 32 }, (_, i) => round[i % round.length])
    assert.deepEqual(seen[slice], expected)
  }
})

test('the last SQN is used and none behind it: it does not wrap round', () => {
  const state = newSqnState(joinSqn(SEQ_MAX, 3))
  const last = nextSqn(state, 'cx')
  assert.equal(last.sqn, joinSqn(SEQ_MAX, 3))
  assert.throws(() => nextSqn(last.state, 'cx'), SqnExhaustedError)
  assert.throws(() => reserveSqnBlock(last.state), SqnExhaustedError)
})

test('a resynchronisation puts the next SQN above SQN_MS in SEQ, not in IND alone (TS 33.102 clause 6.3.5)', () => {
  const state: SqnState = { seq: 10n, nextInd: { cx: 4, zh: 16, other: 24 } }
  for (const sqnMs of [joinSqn(11n, 3), joinSqn(11n, 31), joinSqn(5_000n, 0)]) {
    const { state: after, changed } = resynchronise(state, sqnMs)
    assert.ok(changed)
    const next = nextSqn(after, 'cx').sqn
    assert.equal(seqOf(next), seqOf(sqnMs) + 1n)
    assert.equal(indOf(next), 4)
  }
})

test('a resynchronisation changes nothing when the next SQN is accepted anyhow (TS 33.102 clause 6.3.5 step 2)', () => {
  const state: SqnState = { seq: 10n, nextInd: { cx: 0, zh: 16, other: 24 } }
  for (const sqnMs of [0n, joinSqn(9n, 31), joinSqn(10n, 31)]) {
    assert.deepEqual(resynchronise(state, sqnMs), { state, changed: false })
  }
})

test('a resynchronisation goes down when the network is further ahead than an ISIM follows (TS 33.102 clause C.2.1)', () => {
  const farthest: SqnState = { seq: 100n + SEQ_DELTA - 1n, nextInd: { cx: 0, zh: 16, other: 24 } }
  assert.equal(resynchronise(farthest, joinSqn(100n, 0)).changed, false)
  const beyond: SqnState = { ...farthest, seq: farthest.seq + 1n }
  const { state, changed } = resynchronise(beyond, joinSqn(100n, 0))
  assert.ok(changed)
  assert.equal(state.seq, 100n)
})

test('after any resynchronisation the next SQN is above SQN_MS and within delta', () => {
  fc.assert(
    fc.property(
      fc.bigInt({ min: 0n, max: SEQ_MAX - 1n }),
      fc.bigInt({ min: 0n, max: SQN_MAX - 32n }),
      anySlice,
      (seq, sqnMs, slice) => {
        const { state } = resynchronise({ seq, nextInd: { cx: 15, zh: 23, other: 31 } }, sqnMs)
        const ahead = seqOf(nextSqn(state, slice).sqn) - seqOf(sqnMs)
        assert.ok(ahead > 0n && ahead <= SEQ_DELTA)
      },
    ),
    { seed: 3 },
  )
})

test('a block hands out what was reserved and then asks for the next one', () => {
  const { mark, block } = reserveSqnBlock(newSqnState(32n), 3)
  assert.equal(mark.seq, 3n)
  const first = take(block, 'cx')
  const second = take(first.block, 'zh')
  const third = take(second.block, 'cx')
  assert.deepEqual([first.sqn, second.sqn, third.sqn], [joinSqn(1n, 0), joinSqn(2n, 16), joinSqn(3n, 1)])
  assert.equal(takeSqn(third.block, 'cx'), undefined)
  const again = reserveSqnBlock(third.block.state, 3)
  assert.equal(again.mark.seq, 6n)
  assert.equal(take(again.block, 'cx').sqn, joinSqn(4n, 2))
})

test('a block at the end of the range holds what is left', () => {
  const { mark, block } = reserveSqnBlock({ seq: SEQ_MAX - 1n, nextInd: { cx: 0, zh: 16, other: 24 } })
  assert.equal(mark.seq, SEQ_MAX)
  assert.equal(takeSqn(take(block, 'cx').block, 'cx'), undefined)
})

test('whatever stops when, no SEQ is handed out twice and each is below the mark in the store (TS 33.102 clause C.1.2)', () => {
  const action = fc.oneof(
    { weight: 10, arbitrary: anySlice },
    { weight: 1, arbitrary: fc.constant('stop' as const) },
    { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 60n }).map((ahead) => ({ ahead })) },
  )
  fc.assert(
    fc.property(fc.array(action, { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (actions, count) => {
      let stored = newSqnState(32n)
      let block: SqnBlock | undefined
      let highest = 0n
      for (const step of actions) {
        if (step === 'stop') {
          block = undefined
          continue
        }
        if (typeof step === 'object') {
          if (block) block = resynchroniseBlock(block, joinSqn(highest + step.ahead, 9)).block
          continue
        }
        let taken = block && takeSqn(block, step)
        if (!taken) {
          const reserved = reserveSqnBlock(block?.state ?? stored, count)
          stored = reserved.mark
          taken = take(reserved.block, step)
        }
        block = taken.block
        assert.ok(seqOf(taken.sqn) > highest)
        assert.ok(seqOf(taken.sqn) <= stored.seq)
        highest = seqOf(taken.sqn)
      }
    }),
    { seed: 4 },
  )
})

test('a resynchronised block serves on below its mark, and is used up at or beyond it', () => {
  const { block } = reserveSqnBlock(newSqnState(32n), 10)
  const inside = resynchroniseBlock(block, joinSqn(5n, 1))
  assert.ok(inside.changed)
  assert.equal(seqOf(take(inside.block, 'cx').sqn), 6n)
  for (const seq of [10n, 11n, 999n]) {
    const beyond = resynchroniseBlock(block, joinSqn(seq, 1))
    assert.equal(takeSqn(beyond.block, 'cx'), undefined)
    assert.equal(seqOf(take(reserveSqnBlock(beyond.block.state).block, 'cx').sqn), seq + 1n)
  }
  const far = reserveSqnBlock({ ...block.state, seq: SEQ_DELTA * 2n }).block
  const down = resynchroniseBlock(far, joinSqn(7n, 1))
  assert.ok(down.changed)
  assert.equal(takeSqn(down.block, 'cx'), undefined)
  assert.deepEqual(resynchroniseBlock(block, 0n), { block, changed: false })
})
