import type { Impu } from '@rollcall/core'
import type { SubHandling } from './sub-handling.ts'

/** Who asks, as the network asserts it: never from a header that the watcher wrote. */
export interface WatcherIdentity {
  /** Canonical, in the order asserted. Empty: the watcher is anonymous. */
  readonly identities: readonly Impu[]
}

/** One presentity's rules about who may watch. */
export interface PresencePolicy {
  decide(watcher: WatcherIdentity): SubHandling
}
