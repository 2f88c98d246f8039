import type { Clock, Random, TokenBuckets } from '@rollcall/core'
import type { Logger, Metrics } from '@rollcall/runtime'
import type { PcscfConfig } from './config.ts'
import type { ContactTable } from './contacts/contact-table.ts'
import type { Change } from './contacts/record.ts'
import type { PcscfEvents } from './events.ts'
import type { CoreLink } from './mw/core-link.ts'
import type { DialogRoutes } from './originating/dialog-routes.ts'
import type { Attempts } from './registration/attempts.ts'
import type { SaTable } from './sa/sa-table.ts'
import type { SecurityServers } from './sec-agree/security-server.ts'
import type { TokenKeyRing } from './token/token-key-ring.ts'

/** The P-CSCF's own log, as its handlers use it. */
export interface ChangeLog {
  /** Whether a change can be written now; if not, nothing is decided and the UE comes again. */
  readonly isAvailable: boolean
  /** Resolves when the change is durable. @throws errors of @rollcall/store. */
  append(change: Change, traceparent: string): Promise<void>
}

/** Everything that a handler may use. Built once, by the service. */
export interface PcscfContext {
  readonly config: PcscfConfig
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly metrics: Metrics
  readonly events: PcscfEvents
  readonly sets: SaTable
  readonly attempts: Attempts
  readonly contacts: ContactTable
  readonly changes: ChangeLog
  readonly tokens: TokenKeyRing
  readonly core: CoreLink
  readonly dialogs: DialogRoutes
  readonly securityServers: SecurityServers
  readonly impiBuckets: TokenBuckets
}
