import { parseImpu } from '@rollcall/core'
import type { DecisionContext } from '../presence-policy.ts'
import type { WatcherIdentity } from '../watcher-identity.ts'

/** No sphere known; the epoch. */
export const NO_CONTEXT: DecisionContext = { nowMs: 0, sphere: undefined }

/** A watcher whom the network asserts under these identities. */
export function verified(...identities: readonly string[]): WatcherIdentity {
  return { kind: 'verified', identities: identities.map(parseImpu) }
}
