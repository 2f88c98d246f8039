import type { RuleDecision } from './presence-policy.ts'
import type { WatcherIdentity } from './watcher-identity.ts'

/**
 * What becomes of a SUBSCRIBE: 200 with the truth (`active`), 200 with a neutral document (`polite`), 200 and waiting
 * for the presentity (`pending`), 403 (`refused`), 401 (`challenged`).
 */
export type SubscribeOutcome = 'active' | 'polite' | 'pending' | 'refused' | 'challenged'

/**
 * Gives the outcome of a decision. Whom nobody vouches for is asked who he is, whatever the rules say: the answer does
 * not tell him what they are. `Choice:` who hides and is blocked without a name is asked, too: rules about his name may let
 * him in, and the presentity still learns none.
 *
 * @see RFC 3856 section 6.6.1; RFC 5025 section 3.2.1
 */
export function subscribeOutcome(
  watcher: WatcherIdentity,
  { handling }: Pick<RuleDecision, 'handling'>,
): SubscribeOutcome {
  // guard: policy-challenge — rules are for watchers whose identity is proved
  if (watcher.kind === 'unverified') return 'challenged'
  switch (handling) {
    case 'allow':
      return 'active'
    case 'polite-block':
      return 'polite'
    case 'confirm':
      return 'pending'
    case 'block':
      return watcher.kind === 'pseudonymous' ? 'challenged' : 'refused'
  }
}
