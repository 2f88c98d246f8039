import * as field from './config-fields.ts'
import { ConfigError } from './errors.ts'

/** Settings of a service that several replicas share partitions of, beside the shared ones. */
export function replicaFields(o: {
  /** The name of the only replica, when nobody gives names. */
  readonly name: string
  /** How its lease is timed when nobody says. */
  readonly timing: LeaseTimes
}) {
  return {
    ROLLCALL_REPLICA_NAME: field
      .text({
        is: 'name of this replica, the same after a restart, and no other replica has it',
        pattern: /^[A-Za-z0-9_-]{1,63}$/,
        allowed: 'letters, digits, `_` and `-`, at most 63',
        example: o.name,
      })
      .default(o.name),
    ROLLCALL_GRPC_ADVERTISE: field
      .hostPort({ is: 'where other replicas reach this one; without it where it listens', example: '10.0.0.7:17003' })
      .optional(),
    ROLLCALL_REPLICA_HEARTBEAT_MS: field
      .milliseconds({ is: 'between two heartbeats; all replicas alike', example: '500', min: 50, max: 10_000 })
      .default(o.timing.heartbeatMs),
    ROLLCALL_REPLICA_LEASE_MS: field
      .milliseconds({
        is: 'how long after its last acknowledged heartbeat a replica may tell what it remembers; all replicas alike',
        example: '2000',
        min: 200,
        max: 60_000,
      })
      .default(o.timing.leaseMs),
    ROLLCALL_REPLICA_SILENCE_MS: field
      .milliseconds({
        is: 'how long a replica must be silent before the others take its partitions; all replicas alike',
        example: '2000',
        min: 200,
        max: 60_000,
      })
      .default(o.timing.silenceMs),
  }
}

/** The times of a replica's lease in milliseconds. */
interface LeaseTimes {
  readonly heartbeatMs: number
  readonly leaseMs: number
  readonly silenceMs: number
}

interface LeaseSettings {
  readonly ROLLCALL_REPLICA_HEARTBEAT_MS: number
  readonly ROLLCALL_REPLICA_LEASE_MS: number
  readonly ROLLCALL_REPLICA_SILENCE_MS: number
}

/** How the settings time the lease. */
export function leaseTiming(config: LeaseSettings): LeaseTimes {
  return {
    heartbeatMs: config.ROLLCALL_REPLICA_HEARTBEAT_MS,
    leaseMs: config.ROLLCALL_REPLICA_LEASE_MS,
    silenceMs: config.ROLLCALL_REPLICA_SILENCE_MS,
  }
}

/**
 * Holds the lease's times against each other: one lost heartbeat must not end the lease, and nobody may take over from who
 * may still tell.
 *
 * @throws ConfigError
 */
export function checkLeaseTiming(service: string, config: LeaseSettings): void {
  const { heartbeatMs, leaseMs, silenceMs } = leaseTiming(config)
  const problems = []
  if (leaseMs < 2 * heartbeatMs) {
    const problem = `is ${leaseMs}, shorter than two heartbeats of ${heartbeatMs}`
    problems.push({
      name: 'ROLLCALL_REPLICA_LEASE_MS',
      problem,
      allowed: `at least ${2 * heartbeatMs}`,
      example: '2000',
    })
  }
  if (silenceMs < leaseMs) {
    const problem = `is ${silenceMs}, shorter than the lease of ${leaseMs}`
    problems.push({ name: 'ROLLCALL_REPLICA_SILENCE_MS', problem, allowed: `at least ${leaseMs}`, example: '2000' })
  }
  if (problems.length > 0) throw new ConfigError(service, problems)
}
