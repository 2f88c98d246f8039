import type { Clock, Random } from '@rollcall/core'
import type { IdentityHash } from '@rollcall/runtime'
import type { WatcherDigest } from '../digest/watcher-digest.ts'
import type { PresenceEvents } from '../events.ts'
import type { WatcherEnds } from '../registration/watcher-ends.ts'
import type { IncomingRequest } from './incoming-request.ts'
import type { OwnerFinder } from './owner-finder.ts'

/** What the front needs. */
export interface FrontContext {
  /** Own host name, lower case: the host of our Contact and Via. */
  readonly host: string
  /** XCAP root that users see, with a slash at its end. */
  readonly xcapRoot: string
  readonly clock: Clock
  readonly random: Random
  readonly events: PresenceEvents
  readonly hashIdentity: IdentityHash
  /** Is the store there, so that owners can be found? */
  readonly isOpen: () => boolean
  readonly finder: OwnerFinder
  readonly digest: WatcherDigest
  readonly ends: Pick<WatcherEnds, 'endEverywhere'>
}

const EVENT_PACKAGES = 'presence, presence.winfo, xcap-diff'

/** Answers a package that we do not know (RFC 6665 section 4.2.1.1, RFC 3903 section 6). */
export function refusePackage(incoming: IncomingRequest): void {
  incoming.refuse('event-package', [['Allow-Events', EVENT_PACKAGES]])
}
