/** How leases are timed, in milliseconds. All replicas of a service must have the same. */
export interface LeaseTiming {
  /** Between two heartbeats. */
  readonly heartbeatMs: number
  /** So long after sending the last acknowledged heartbeat a replica may tell. */
  readonly leaseMs: number
  /** So long a lease must not have moved before its owner is revoked. */
  readonly silenceMs: number
}

export const DEFAULT_LEASE_TIMING: LeaseTiming = { heartbeatMs: 500, leaseMs: 2_000, silenceMs: 2_000 }
