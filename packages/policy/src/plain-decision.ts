import { ALL_PERMITTED, NOTHING_PERMITTED } from './permissions.ts'
import type { RuleDecision } from './presence-policy.ts'
import type { SubHandling } from './sub-handling.ts'

/** A decision of a policy without rules: who is allowed sees everything, all others nothing. */
export function plainDecision(handling: SubHandling): RuleDecision {
  return DECISIONS[handling]
}

const DECISIONS: Readonly<Record<SubHandling, RuleDecision>> = {
  block: plain('block'),
  confirm: plain('confirm'),
  'polite-block': plain('polite-block'),
  allow: plain('allow'),
}

function plain(handling: SubHandling): RuleDecision {
  const permissions = handling === 'allow' ? ALL_PERMITTED : NOTHING_PERMITTED
  return { handling, permissions, matched: [], usesSphere: false }
}
