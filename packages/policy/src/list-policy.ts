import type { Impu } from '@rollcall/core'
import { plainDecision } from './plain-decision.ts'
import type { PresencePolicy } from './presence-policy.ts'
import { identitiesForRules } from './watcher-identity.ts'

/** What an operator provisions for a presentity who has no rules document. */
export interface ListPolicyOptions {
  /** For watchers in neither list. */
  readonly defaultAllow: boolean
  readonly allow: readonly Impu[]
  readonly block: readonly Impu[]
}

/**
 * What stands until a presentity has a rules document: two lists and a default. A blocked identity wins over an allowed
 * one, and of a watcher with several identities one blocked is enough. `Choice:` a watcher without a name is blocked,
 * whatever the default says: the lists could not hold him.
 *
 * @see readings, Presence 2; RFC 5025 section 3.2.1
 */
export function listPolicy(options: ListPolicyOptions): PresencePolicy {
  const allowed = new Set(options.allow)
  const blocked = new Set(options.block)
  return {
    decide(watcher) {
      const identities = identitiesForRules(watcher)
      // guard: anonymous-blocked — lists hold nobody who has no name
      if (identities.length === 0) return plainDecision('block')
      // guard: blocked-first — one blocked identity of a watcher is enough
      if (identities.some((identity) => blocked.has(identity))) return plainDecision('block')
      if (identities.some((identity) => allowed.has(identity))) return plainDecision('allow')
      return plainDecision(options.defaultAllow ? 'allow' : 'block')
    },
  }
}
