import type { Permissions } from './permissions.ts'
import type { SubHandling } from './sub-handling.ts'
import type { WatcherIdentity } from './watcher-identity.ts'

/** What a decision depends on besides the watcher. */
export interface DecisionContext {
  readonly nowMs: number
  /**
   * The presentity's sphere as she publishes it; absent when none or several that differ are published (RFC 5025
   * section 3.1.2).
   */
  readonly sphere: string | undefined
}

/** A rule whose conditions all hold. */
export interface MatchedRule {
  readonly ruleId: string
  /** What it gives by itself: `block` when it says nothing. */
  readonly handling: SubHandling
}

/** What a watcher may do and see, and until when that is sure to stand. */
export interface RuleDecision {
  readonly handling: SubHandling
  /** Nothing unless `handling` is `allow`. */
  readonly permissions: Permissions
  /** In the order of the document; empty when nothing matched, and for a policy without rules. */
  readonly matched: readonly MatchedRule[]
  /** When a validity of a rule about this watcher begins or ends next: decide anew then. */
  readonly nextChangeMs?: number
  /** Whether a rule about this watcher asks for the sphere: decide anew when it changes. */
  readonly usesSphere: boolean
}

/** One presentity's rules about who may watch, and what. */
export interface PresencePolicy {
  /** Pure, and quick: it is asked for each watcher at each change of rules. */
  decide(watcher: WatcherIdentity, context: DecisionContext): RuleDecision
}
