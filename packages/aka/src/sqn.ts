import { assert } from '@rollcall/core'
import { SQN_OCTETS } from './milenage.ts'

/** IND is 5 bits wide in all three profiles of TS 33.102 clause C.3. */
const IND_BITS = 5n
const IND_MASK = (1n << IND_BITS) - 1n

/** How many SEQ values an ISIM remembers: one an IND (TS 33.102 clause C.2.2). */
export const IND_COUNT = 32
/** SQN has 48 bits. */
export const SQN_MAX = (1n << 48n) - 1n
/** SEQ has the 43 bits which IND leaves. */
export const SEQ_MAX = SQN_MAX >> IND_BITS
/** An ISIM refuses a SEQ further ahead than this, so that nobody can use its range up (TS 33.102 clause C.2.1). */
export const SEQ_DELTA = 1n << 28n

/** SQN = SEQ || IND (TS 33.102 clause C.1.1.1). */
export function joinSqn(seq: bigint, ind: number): bigint {
  assert(seq >= 0n && seq <= SEQ_MAX, 'SEQ has 43 bits')
  assert(Number.isInteger(ind) && ind >= 0 && ind < IND_COUNT, 'IND has 5 bits')
  return (seq << IND_BITS) | BigInt(ind)
}

/** The SEQ part of SQN. */
export function seqOf(sqn: bigint): bigint {
  return sqn >> IND_BITS
}

/** The IND part of SQN. */
export function indOf(sqn: bigint): number {
  return Number(sqn & IND_MASK)
}

/** SQN as its 6 octets. */
export function encodeSqn(sqn: bigint): Buffer {
  assert(sqn >= 0n && sqn <= SQN_MAX, 'SQN has 48 bits')
  const octets = Buffer.alloc(SQN_OCTETS)
  // 48 bits fit a number exactly.
  octets.writeUIntBE(Number(sqn), 0, SQN_OCTETS)
  return octets
}

/** SQN from its 6 octets. */
export function decodeSqn(octets: Buffer): bigint {
  assert(octets.length === SQN_OCTETS, 'SQN has 6 octets')
  return BigInt(octets.readUIntBE(0, SQN_OCTETS))
}
