import { ALGORITHM_PAIR_NAMES, ALGORITHM_PAIRS, isAlgorithmPairName, type SecuritySuite } from '@rollcall/ue'
import { UsageError } from '../errors.ts'

/** What was asked for, in its order; nothing when nothing was. @throws UsageError */
export function suitesOf(names: readonly string[]): readonly SecuritySuite[] | undefined {
  const suites = names.map((name) => {
    if (isAlgorithmPairName(name)) return ALGORITHM_PAIRS[name]
    throw new UsageError(`--esp-pair must be ${ALGORITHM_PAIR_NAMES.join(' or ')}, not '${name}'`)
  })
  return suites.length === 0 ? undefined : suites
}
