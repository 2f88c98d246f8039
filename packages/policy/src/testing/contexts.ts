import { parseImpu } from '@rollcall/core'
import type { DecisionContext } from '../presence-policy.ts'
import { compileRules, type PresenceRules } from '../presence-rules.ts'
import type { WatcherIdentity } from '../watcher-identity.ts'
import { ruleset } from './write-rules.ts'

/** No sphere known; the epoch. */
export const NO_CONTEXT: DecisionContext = { nowMs: 0, sphere: undefined }

/** A watcher whom the network asserts under these identities. */
export function verified(...identities: readonly string[]): WatcherIdentity {
  return { kind: 'verified', identities: identities.map(parseImpu) }
}

/** A time, and the presentity's sphere then. */
export function at(text: string, sphere?: string): DecisionContext {
  return { nowMs: Date.parse(text), sphere }
}

/** Ids of those of the rules that match. */
export function matching(rules: PresenceRules, watcher: WatcherIdentity, context = NO_CONTEXT): readonly string[] {
  return rules.decide(watcher, context).matched.map(({ ruleId }) => ruleId)
}

/** Whether a rule of these conditions matches. */
export function matches(conditions: string, watcher: WatcherIdentity, context = NO_CONTEXT): boolean {
  return matching(compileRules(ruleset({ id: 'r', conditions, handling: 'allow' })), watcher, context).length > 0
}
