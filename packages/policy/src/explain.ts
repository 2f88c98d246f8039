import type { DecisionContext, RuleDecision } from './presence-policy.ts'
import type { Applying, PresenceRules, Standing } from './presence-rules.ts'
import { handlingOf } from './presence-rules.ts'
import type { ConditionKind } from './rule.ts'
import type { SubHandling } from './sub-handling.ts'
import { subjectOf } from './subject.ts'
import type { WatcherIdentity } from './watcher-identity.ts'

/** What one rule has to do with a watcher. */
export type RuleVerdict =
  | { readonly ruleId: string; readonly verdict: Standing; readonly handling: SubHandling }
  /** `because`: the condition that does not hold; `identity` and the like: it is not about him. */
  | { readonly ruleId: string; readonly verdict: 'does-not-apply'; readonly because: ConditionKind }
  /** A list that it names is not there. */
  | { readonly ruleId: string; readonly verdict: 'list-unknown' }

/** Why a watcher sees what he sees. */
export interface RulesExplanation {
  readonly decision: RuleDecision
  /** All rules, in the order of the documents. */
  readonly rules: readonly RuleVerdict[]
  /** How they came together, in a sentence. */
  readonly combined: string
}

/**
 * Explains a decision rule by rule: for people, so it looks at each.
 *
 * @see RFC 4745 section 10
 */
export function explainRules(
  rules: PresenceRules,
  watcher: WatcherIdentity,
  context: DecisionContext,
): RulesExplanation {
  const decision = rules.decide(watcher, context)
  const applying = rules.applying(watcher, context)
  const byIndex = new Map(applying.map((one) => [one.index, one]))
  const subject = subjectOf(watcher)
  const verdicts = rules.rules.map((compiled, index): RuleVerdict => {
    const ruleId = compiled.rule.id
    const applies = byIndex.get(index)
    if (applies) return { ruleId, verdict: applies.standing, handling: handlingOf(compiled, applies.standing) }
    const reach = compiled.reach(subject, rules.lists)
    const failing = compiled.failing(context)
    if (reach === 'unknown' && !failing) return { ruleId, verdict: 'list-unknown' }
    return { ruleId, verdict: 'does-not-apply', because: failing ?? compiled.who[0]?.kind ?? 'unknown' }
  })
  return { decision, rules: verdicts, combined: sentence(decision, applying) }
}

function sentence({ handling }: RuleDecision, applying: readonly Applying[]): string {
  const ids = (standing: Standing): string =>
    applying
      .filter((one) => one.standing === standing)
      .map(({ compiled }) => `${compiled.rule.id} (${handlingOf(compiled, standing)})`)
      .join(', ')
  const [counting, confirming, overruled] = [ids('counts'), ids('confirms'), ids('overruled')]
  if (counting === '' && confirming === '') return 'no rule matches: block'
  const parts = [
    counting === '' ? [] : [`${counting} → ${handling}, the greatest of all that match`],
    confirming === '' ? [] : [`${confirming}: a list is missing that could name the watcher, so no more than confirm`],
    overruled === '' ? [] : [`${overruled}: overruled by a rule that names the watcher more closely`],
  ]
  return parts.flat().join('; ')
}
