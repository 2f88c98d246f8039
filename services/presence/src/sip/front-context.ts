import type { Random } from '@rollcall/core'
import type { IdentityHash } from '@rollcall/runtime'
import type { PresenceEvents } from '../events.ts'
import type { PartitionDirectory } from '../partition/partitions.ts'
import type { UserDataCache } from '../sh/user-data.ts'
import type { IncomingRequest } from './incoming-request.ts'

/** What the front needs. */
export interface FrontContext {
  /** Own host name, lower case: the host of our Contact and Via. */
  readonly host: string
  readonly random: Random
  readonly events: PresenceEvents
  readonly hashIdentity: IdentityHash
  readonly users: UserDataCache
  readonly partitions: PartitionDirectory
}

const EVENT_PACKAGES = 'presence, presence.winfo'

/** Answers a package that we do not know (RFC 6665 section 4.2.1.1, RFC 3903 section 6). */
export function refusePackage(incoming: IncomingRequest): void {
  incoming.refuse('event-package', [['Allow-Events', EVENT_PACKAGES]])
}
