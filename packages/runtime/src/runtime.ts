import { type Clock, type Random, Secret, systemClock, systemRandom } from '@rollcall/core'
import type { DestinationStream } from 'pino'
import { type Audit, createAudit } from './audit.ts'
import { createIdentityHash, type IdentityHash } from './identity-hash.ts'
import { createLogger, type Logger } from './log.ts'
import { createMetrics, type Metrics } from './metrics.ts'
import type { TlsIdentity } from './tls-identity.ts'

/** What a service stands on: everything it may use of the world, made once and handed in. */
export interface Runtime {
  readonly service: string
  readonly log: Logger
  readonly audit: Audit
  readonly metrics: Metrics
  readonly identity: TlsIdentity
  readonly clock: Clock
  readonly random: Random
  /** For identities on spans and in log lines: never write them as they are. */
  readonly hashIdentity: IdentityHash
}

/**
 * Makes a runtime for one service. `runService` does it for a process; a test does it for each service it starts.
 * Without `hashIdentity` the hashes hold for this runtime alone; without `logLevel` it logs nothing.
 */
export function createRuntime(o: {
  service: string
  identity: TlsIdentity
  logLevel?: string
  logDestination?: DestinationStream
  hashIdentity?: IdentityHash
  clock?: Clock
  random?: Random
}): Runtime {
  const { service, identity } = o
  const random = o.random ?? systemRandom
  const log = createLogger({
    service,
    level: o.logLevel ?? 'silent',
    ...(o.logDestination ? { destination: o.logDestination } : {}),
  })
  const metrics = createMetrics(service)
  const hashIdentity = o.hashIdentity ?? createIdentityHash(new Secret(random.bytes(32)))
  const audit = createAudit({ log, metrics, hash: hashIdentity })
  metrics.gauge('rollcall_tls_certificate_end_seconds', {}, () => identity.notAfterMs / 1000)
  identity.onReload = (outcome) => {
    metrics.counter('rollcall_tls_reloads_total', { outcome: outcome.kind }).add()
    if (outcome.kind === 'refused')
      log.error({ err: outcome.error }, 'the certificate files cannot be used; the last good ones stay')
    else log.info({ notAfter: new Date(identity.notAfterMs).toISOString() }, 'certificate renewed')
  }
  return { service, log, audit, metrics, identity, clock: o.clock ?? systemClock, random, hashIdentity }
}
