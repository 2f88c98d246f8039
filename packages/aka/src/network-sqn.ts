import { assert } from '@rollcall/core'
import { SqnExhaustedError } from './errors.ts'
import { indOf, joinSqn, SEQ_DELTA, SEQ_MAX, SQN_MAX, seqOf } from './sqn.ts'

/**
 * Who asks for vectors. Each has IND values of its own, so that the vectors of one do not age those of another
 * (TS 33.102 clause C.3.4).
 */
export type SqnSlice = 'cx' | 'zh' | 'other'

/** `Choice:` registrations are frequent and get half of the 32 values, GBA and the rest a quarter each. */
const SLICES = {
  cx: { first: 0, last: 15 },
  zh: { first: 16, last: 23 },
  other: { first: 24, last: 31 },
} as const satisfies Record<SqnSlice, { first: number; last: number }>

/** How many SEQ values the AuC reserves with one write, if it is not told otherwise. */
export const SQN_BLOCK_SIZE = 32

/** The AuC's SQN of one subscriber. */
export interface SqnState {
  /** SEQ handed out last, whatever the slice. */
  readonly seq: bigint
  /** The IND that comes next in each slice. */
  readonly nextInd: Readonly<Record<SqnSlice, number>>
}

/** The state from which `firstSqn` comes first: its SEQ, and its IND in the slice that it lies in. */
export function newSqnState(firstSqn: bigint): SqnState {
  assert(firstSqn >= 0n && firstSqn <= SQN_MAX, 'SQN has 48 bits')
  const seq = seqOf(firstSqn)
  const ind = indOf(firstSqn)
  const start = (slice: SqnSlice): number => (isIn(slice, ind) ? ind : SLICES[slice].first)
  return {
    // SEQ 0 is never fresh to an ISIM.
    seq: seq === 0n ? 0n : seq - 1n,
    nextInd: { cx: start('cx'), zh: start('zh'), other: start('other') },
  }
}

/**
 * The next SQN for a slice: SEQ goes up by one, IND goes round inside the slice (not time-based, profile 2).
 *
 * @throws SqnExhaustedError rather than to wrap round, which an ISIM would refuse.
 * @see TS 33.102 clause C.1.1.1, C.3.2 and C.3.4
 */
export function nextSqn(state: SqnState, slice: SqnSlice): { sqn: bigint; state: SqnState } {
  if (state.seq >= SEQ_MAX) throw new SqnExhaustedError()
  const seq = state.seq + 1n
  const ind = state.nextInd[slice]
  assert(isIn(slice, ind), `IND ${ind} lies outside the slice ${slice}`)
  const next = ind === SLICES[slice].last ? SLICES[slice].first : ind + 1
  return { sqn: joinSqn(seq, ind), state: { seq, nextInd: { ...state.nextInd, [slice]: next } } }
}

/**
 * Takes over SQN_MS from an AUTS whose MAC-S was right (`verifyAuts`).
 *
 * Nothing changes when the ISIM accepts the next SQN as things are: above SQN_MS in SEQ, not only in IND, and not
 * further ahead than an ISIM goes. Otherwise SEQ goes to that of SQN_MS, also downwards.
 *
 * @see TS 33.102 clause 6.3.5 step 2 to 4
 */
export function resynchronise(state: SqnState, sqnMs: bigint): { state: SqnState; changed: boolean } {
  assert(sqnMs >= 0n && sqnMs <= SQN_MAX, 'SQN has 48 bits')
  const ahead = state.seq + 1n - seqOf(sqnMs)
  if (ahead > 0n && ahead <= SEQ_DELTA) return { state, changed: false }
  return { state: { ...state, seq: seqOf(sqnMs) }, changed: true }
}

/**
 * SEQ values that are reserved: `mark`, the high-water mark, is in the store, so that an AuC which stops goes on above
 * it. What it had not handed out is skipped, which TS 33.102 clause C.1.2 allows.
 */
export interface SqnBlock {
  readonly state: SqnState
  /** The last SEQ that may be handed out without another write. */
  readonly mark: bigint
}

/**
 * Reserves the next `count` SEQ values. `mark` must be in the store before `block` is used; it is itself a `SqnState`,
 * the one to go on from after a restart.
 *
 * @throws SqnExhaustedError when no SEQ is left at all.
 */
export function reserveSqnBlock(state: SqnState, count = SQN_BLOCK_SIZE): { mark: SqnState; block: SqnBlock } {
  assert(Number.isInteger(count) && count > 0, 'a block holds at least one SEQ')
  if (state.seq >= SEQ_MAX) throw new SqnExhaustedError()
  const end = state.seq + BigInt(count)
  const mark = end > SEQ_MAX ? SEQ_MAX : end
  return { mark: { ...state, seq: mark }, block: { state, mark } }
}

/** The next SQN out of a block; nothing when it is used up and the next one must be reserved first. */
export function takeSqn(block: SqnBlock, slice: SqnSlice): { sqn: bigint; block: SqnBlock } | undefined {
  // guard: sqn-reserved — no number is given out that is not reserved in the store
  if (block.state.seq >= block.mark) return undefined
  const { sqn, state } = nextSqn(block.state, slice)
  return { sqn, block: { ...block, state } }
}

/**
 * `resynchronise` for a block. While SEQ stays below the mark in the store the block serves on; otherwise it comes back
 * used up, so that the next SQN is preceded by a new reservation.
 */
export function resynchroniseBlock(block: SqnBlock, sqnMs: bigint): { block: SqnBlock; changed: boolean } {
  const { state, changed } = resynchronise(block.state, sqnMs)
  const stays = state.seq >= block.state.seq && state.seq < block.mark
  return { block: { state, mark: stays ? block.mark : state.seq }, changed }
}

function isIn(slice: SqnSlice, ind: number): boolean {
  return ind >= SLICES[slice].first && ind <= SLICES[slice].last
}
