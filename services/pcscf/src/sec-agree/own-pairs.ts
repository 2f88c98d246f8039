import { ALGORITHM_PAIRS, type AlgorithmPair, type AlgorithmPairName } from '@rollcall/esp'

/** An integrity and an encryption algorithm that we can use together, and the mode we use them in. */
export interface OwnPair extends AlgorithmPair {
  readonly mod: 'UDP-enc-tun' | 'trans'
}

/** Our list of pairs in our order of preference, which decides (TS 33.203 clause 7.2). */
export function ownPairs(names: readonly AlgorithmPairName[], mod: OwnPair['mod']): readonly OwnPair[] {
  return [...new Set(names)].map((name) => ({ ...ALGORITHM_PAIRS[name], mod }))
}
