import { assert } from '@rollcall/core'

/** Octets of the state of Keccak-f[1600]. */
export const KECCAK_STATE_OCTETS = 200
const LANES = 25
const ROUNDS = 24

/**
 * Applies the permutation Keccak-f[1600] to 200 octets, in place. Lane (x, y) is the eight octets from 8 * (x + 5 * y)
 * on, least significant first; each is worked on as two halves of 32 bits, since larger numbers would be BigInt.
 *
 * @see TS 35.231 clause 6; FIPS 202 section 3.2 and 3.3; node:crypto's SHA-3 judges it in keccak.test.ts
 */
export function keccakF1600(state: Buffer): void {
  assert(state.length === KECCAK_STATE_OCTETS, 'the state has 200 octets')
  const low = new Int32Array(LANES)
  const high = new Int32Array(LANES)
  for (let lane = 0; lane < LANES; lane++) {
    low[lane] = state.readInt32LE(lane * 8)
    high[lane] = state.readInt32LE(lane * 8 + 4)
  }
  for (let round = 0; round < ROUNDS; round++) permuteRound(low, high, round)
  for (let lane = 0; lane < LANES; lane++) {
    state.writeInt32LE(at(low, lane), lane * 8)
    state.writeInt32LE(at(high, lane), lane * 8 + 4)
  }
}

function permuteRound(low: Int32Array, high: Int32Array, round: number): void {
  theta(low, high)
  const [rotatedLow, rotatedHigh] = rhoPi(low, high)
  chi(rotatedLow, low)
  chi(rotatedHigh, high)
  // iota
  low[0] = at(low, 0) ^ at(ROUND_CONSTANTS.low, round)
  high[0] = at(high, 0) ^ at(ROUND_CONSTANTS.high, round)
}

/** Adds to each lane the parity of the column before it, and that of the one behind it rotated by one. */
function theta(low: Int32Array, high: Int32Array): void {
  const parityLow = new Int32Array(5)
  const parityHigh = new Int32Array(5)
  for (let lane = 0; lane < LANES; lane++) {
    parityLow[lane % 5] = at(parityLow, lane % 5) ^ at(low, lane)
    parityHigh[lane % 5] = at(parityHigh, lane % 5) ^ at(high, lane)
  }
  for (let lane = 0; lane < LANES; lane++) {
    const before = (lane + 4) % 5
    const behind = (lane + 1) % 5
    const behindLow = at(parityLow, behind)
    const behindHigh = at(parityHigh, behind)
    low[lane] = at(low, lane) ^ at(parityLow, before) ^ ((behindLow << 1) | (behindHigh >>> 31))
    high[lane] = at(high, lane) ^ at(parityHigh, before) ^ ((behindHigh << 1) | (behindLow >>> 31))
  }
}

/** Rotates each lane, and moves it to its new place. */
function rhoPi(low: Int32Array, high: Int32Array): [Int32Array, Int32Array] {
  const toLow = new Int32Array(LANES)
  const toHigh = new Int32Array(LANES)
  for (let lane = 0; lane < LANES; lane++) {
    const rotation = at(ROTATIONS, lane)
    // By 32 and more the halves change places first.
    const isFar = rotation >= 32
    const [l, h] = isFar ? [at(high, lane), at(low, lane)] : [at(low, lane), at(high, lane)]
    const bits = rotation & 31
    const target = at(TARGETS, lane)
    // A shift by 32 would be one by 0.
    toLow[target] = bits === 0 ? l : (l << bits) | (h >>> (32 - bits))
    toHigh[target] = bits === 0 ? h : (h << bits) | (l >>> (32 - bits))
  }
  return [toLow, toHigh]
}

/** The one step that is not linear: a lane changes where the next is 0 and the one behind that is 1. */
function chi(from: Int32Array, to: Int32Array): void {
  for (let row = 0; row < LANES; row += 5) {
    for (let x = 0; x < 5; x++) {
      to[row + x] = at(from, row + x) ^ (~at(from, row + ((x + 1) % 5)) & at(from, row + ((x + 2) % 5)))
    }
  }
}

function at(array: Int32Array, index: number): number {
  return array[index] ?? 0
}

const { rotations: ROTATIONS, targets: TARGETS } = walkLanes()
const ROUND_CONSTANTS = roundConstants()

/** Rotation and new place of each lane: the triangular numbers along the walk (x, y) → (y, 2x + 3y) (FIPS 202 section 3.2.2). */
function walkLanes(): { rotations: Int32Array; targets: Int32Array } {
  const rotations = new Int32Array(LANES)
  const targets = new Int32Array(LANES)
  for (let t = 0, x = 1, y = 0; t < 24; t++) {
    rotations[x + 5 * y] = (((t + 1) * (t + 2)) / 2) % 64
    ;[x, y] = [y, (2 * x + 3 * y) % 5]
  }
  for (let lane = 0; lane < LANES; lane++) {
    const x = lane % 5
    const y = (lane - x) / 5
    targets[lane] = y + 5 * ((2 * x + 3 * y) % 5)
  }
  return { rotations, targets }
}

/** The constants of iota, out of the shift register x^8 + x^6 + x^5 + x^4 + 1 (FIPS 202 section 3.2.5). */
function roundConstants(): { low: Int32Array; high: Int32Array } {
  const low = new Int32Array(ROUNDS)
  const high = new Int32Array(ROUNDS)
  let register = 1
  for (let round = 0; round < ROUNDS; round++) {
    for (let j = 0; j <= 6; j++) {
      const bit = 2 ** j - 1
      if ((register & 1) === 1) {
        if (bit < 32) low[round] = at(low, round) | (1 << bit)
        else high[round] = at(high, round) | (1 << (bit - 32))
      }
      register <<= 1
      if (register > 0xff) register ^= 0x171
    }
  }
  return { low, high }
}
