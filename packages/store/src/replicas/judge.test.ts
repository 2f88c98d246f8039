import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Judge, leaseOver, type SeenLease } from './judge.ts'
import type { LeaseRecord, LeaseState } from './lease-record.ts'
import { DEFAULT_LEASE_TIMING } from './lease-timing.ts'

const OVER_MS = leaseOver(DEFAULT_LEASE_TIMING)

function lease(o: {
  replica?: string
  sequence: number
  previous?: number
  state?: LeaseState
  held?: readonly number[]
  lingering?: readonly number[]
}): SeenLease {
  const record: LeaseRecord = {
    incarnation: 'a',
    beat: o.sequence,
    target: '',
    state: o.state ?? 'serving',
    held: new Map((o.held ?? []).map((partition) => [partition, 1n])),
    lingering: new Set(o.lingering),
    floors: new Map(),
  }
  return { replica: o.replica ?? 'b', sequence: o.sequence, previous: o.previous ?? o.sequence - 1, record }
}

/** Looks each `stepMs` from `fromMs` to `toMs`, both included. */
function watch(judge: Judge, leases: readonly SeenLease[], o: { fromMs: number; toMs: number; stepMs?: number }): void {
  for (let nowMs = o.fromMs; nowMs <= o.toMs; nowMs += o.stepMs ?? 500) judge.look(leases, nowMs)
}

const names = (judge: Judge, nowMs: number): string[] => judge.silent(nowMs).map(({ lease }) => lease.replica)

test('who does not move for the silence is to be revoked, and not before (decision 007)', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  watch(judge, [lease({ sequence: 5 })], { fromMs: 1_000, toMs: 3_000 })
  assert.deepEqual(names(judge, 2_999), [])
  assert.equal(judge.nextSilentMs, 3_000)
  assert.deepEqual(names(judge, 3_000), ['b'])
})

test('who moves is not silent', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  for (let beat = 0; beat < 20; beat += 1) judge.look([lease({ sequence: beat + 1 })], beat * 500)
  assert.deepEqual(names(judge, 20 * 500), [])
})

test('the gone and the revoked are not revoked again', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  const leases = [lease({ sequence: 1, state: 'gone' }), lease({ replica: 'c', sequence: 2, state: 'revoked' })]
  watch(judge, leases, { fromMs: 0, toMs: 10_000 })
  assert.deepEqual(names(judge, 10_000), [])
  assert.equal(judge.nextSilentMs, Number.POSITIVE_INFINITY)
})

test('after a gap of its own nobody is judged for a lease length: an election takes longer than any silence', () => {
  for (const gapMs of [1_500, 2_500, 12_000]) {
    const judge = new Judge(DEFAULT_LEASE_TIMING)
    watch(judge, [lease({ sequence: 5 })], { fromMs: 0, toMs: 500 })
    const backMs = 500 + gapMs
    watch(judge, [lease({ sequence: 5 })], { fromMs: backMs, toMs: backMs + 1_500 })
    assert.deepEqual(names(judge, backMs + 1_999), [])
    assert.deepEqual(names(judge, backMs + 2_000), ['b'])
  }
})

test('nobody is revoked whose heartbeats come at least once in a silence, however irregular all is', () => {
  const gaps = fc.array(fc.integer({ min: 1, max: 1_900 }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(gaps, gaps, (beats, looks) => {
      const judge = new Judge(DEFAULT_LEASE_TIMING)
      const beatMs = runningSum(beats)
      for (const nowMs of runningSum(looks)) {
        const sequence = 1 + beatMs.filter((ms) => ms <= nowMs).length
        if (nowMs > (beatMs.at(-1) ?? 0) + 1_900) break
        judge.look([lease({ sequence })], nowMs)
        assert.deepEqual(names(judge, nowMs), [])
      }
    }),
  )
})

function runningSum(gaps: readonly number[]): number[] {
  let sum = 0
  return gaps.map((gap) => {
    sum += gap
    return sum
  })
}

test('somebody alive who lists a partition, or whose forerunner may tell of it, keeps it from being sole', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  judge.look([lease({ sequence: 1, held: [3] }), lease({ replica: 'c', sequence: 2, lingering: [4] })], 1_000)
  assert.equal(judge.soleFromMs(3), Number.POSITIVE_INFINITY)
  assert.equal(judge.soleFromMs(4), Number.POSITIVE_INFINITY)
  assert.equal(judge.soleFromMs(5), 0)
})

test('one who cannot be read may hold anything', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  judge.look([{ replica: 'b', sequence: 1, previous: 0, record: undefined }], 1_000)
  assert.equal(judge.soleFromMs(3), Number.POSITIVE_INFINITY)
})

test('a revoked one may tell for a lease from when its last heartbeat was first seen', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  watch(judge, [lease({ sequence: 5, held: [3] })], { fromMs: 1_000, toMs: 3_000 })
  judge.look([lease({ sequence: 9, previous: 5, state: 'revoked', held: [3] })], 3_010)
  assert.equal(judge.soleFromMs(3), 1_000 + OVER_MS)
})

test('where that heartbeat was not seen, from when the revocation was', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  watch(judge, [lease({ sequence: 5, held: [3] })], { fromMs: 1_000, toMs: 2_000 })
  judge.look([lease({ sequence: 9, previous: 8, state: 'revoked', held: [3] })], 2_500)
  assert.equal(judge.soleFromMs(3), 2_500 + OVER_MS)
  const late = new Judge(DEFAULT_LEASE_TIMING)
  late.look([lease({ sequence: 9, previous: 8, state: 'revoked', held: [3] })], 7_000)
  assert.equal(late.soleFromMs(3), 7_000 + OVER_MS)
})

test('one who said good-bye tells nothing, but for what its forerunner may', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  judge.look([lease({ sequence: 5, state: 'gone', lingering: [4] })], 1_000)
  assert.equal(judge.soleFromMs(3), 0)
  assert.equal(judge.soleFromMs(4), 1_000 + OVER_MS)
})

test('the dead are told apart from the living, after a while', () => {
  const judge = new Judge(DEFAULT_LEASE_TIMING)
  const leases = [
    lease({ replica: 'alive', sequence: 1 }),
    lease({ replica: 'gone', sequence: 2, state: 'gone' }),
    lease({ replica: 'revoked', sequence: 3, state: 'revoked' }),
  ]
  watch(judge, leases, { fromMs: 0, toMs: 60_000 })
  assert.deepEqual(judge.deadFor(60_001, 60_000), [])
  assert.deepEqual(
    judge.deadFor(60_000, 60_000).map(({ replica }) => replica),
    ['gone', 'revoked'],
  )
})

test('a silence shorter than the lease, or a heartbeat as long as it, is refused', () => {
  for (const timing of [{ silenceMs: 1_999 }, { heartbeatMs: 1_001 }, { heartbeatMs: 0 }, { leaseMs: Number.NaN }])
    assert.throws(() => new Judge({ ...DEFAULT_LEASE_TIMING, ...timing }), RangeError)
})
