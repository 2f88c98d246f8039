/** The values that all timers of a transaction derive from (RFC 3261 annex A). */
export interface SipTimers {
  /** Estimate of the round trip: 500 ms in the core, 2 s on Gm (TS 24.229 table 7.7.1). */
  readonly t1Ms: number
  /** Longest interval between two retransmissions: 4 s in the core, 16 s on Gm. */
  readonly t2Ms: number
  /** How long a message stays in the network: 5 s in the core, 17 s on Gm. */
  readonly t4Ms: number
}

/** Between nodes of the core. */
export const CORE_TIMERS: SipTimers = { t1Ms: 500, t2Ms: 4_000, t4Ms: 5_000 }

/** Between UE and P-CSCF. */
export const GM_TIMERS: SipTimers = { t1Ms: 2_000, t2Ms: 16_000, t4Ms: 17_000 }

/** Timers F and J: how long a transaction lives at most without, and at the server also with, its final response. */
export function transactionLifetimeMs(timers: SipTimers): number {
  return 64 * timers.t1Ms
}
