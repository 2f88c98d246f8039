import type { OwnPair } from './own-pairs.ts'

/** How Security-Verify is compared with what was sent. */
export const VERIFY_COMPARISONS = ['tolerant', 'exact', 'without-q'] as const

export type VerifyComparison = (typeof VERIFY_COMPARISONS)[number]

/** What an unprotected REGISTER without sec-agree gets: a status, or `negotiate`, by what it says that it supports. */
export const MISSING_POLICIES = ['negotiate', '421', '494', '403'] as const

/** What is ours to decide in a security agreement (RFC 3329 section 2.3.1, TS 33.203 clause 7.2). */
export interface SecAgreePolicy {
  /** Our pairs in our order, which decides; without `null` encryption among them who offers none is refused. */
  readonly pairs: readonly OwnPair[]
  /** What Security-Server lists: every pair, or the chosen one alone. */
  readonly list: 'full' | 'chosen'
  readonly missing: (typeof MISSING_POLICIES)[number]
  readonly noCommonPairStatus: number
  readonly mismatchStatus: number
  readonly verify: VerifyComparison
}
