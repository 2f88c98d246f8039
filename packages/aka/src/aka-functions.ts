import { Milenage, type MilenageKeys } from './milenage.ts'
import { Tuak, type TuakKeys } from './tuak.ts'

/** Keys of a subscriber; which constant stands beside K says which algorithm set they are for. */
export type AkaKeys = MilenageKeys | TuakKeys

/**
 * The functions f1 to f5* of one subscriber for one RAND, whichever algorithm set the operator has chosen.
 *
 * @see TS 33.102 clause 6.3.2 and 6.3.3
 */
export interface AkaFunctions {
  /** MAC-A, with which the network proves that it knows K. */
  f1(sqn: Buffer, amf: Buffer): Buffer
  /** MAC-S, with which the ISIM proves its SQN. */
  f1Star(sqn: Buffer, amf: Buffer): Buffer
  /** RES. */
  f2(): Buffer
  /** CK. */
  f3(): Buffer
  /** IK. */
  f4(): Buffer
  /** AK, which hides SQN in AUTN. */
  f5(): Buffer
  /** AK*, which hides SQN_MS in AUTS. */
  f5Star(): Buffer
}

/**
 * The functions for these keys.
 *
 * @throws AkaKeyLengthError
 */
export function createAkaFunctions(keys: AkaKeys, rand: Buffer): AkaFunctions {
  return 'topc' in keys ? new Tuak(keys, rand) : new Milenage(keys, rand)
}
