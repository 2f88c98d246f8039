import type { EncryptionAlgorithm, IntegrityAlgorithm } from '@rollcall/esp'
import { GM_TIMERS, type SipTimers } from '@rollcall/sip'

/** A pair of algorithms that the UE offers in Security-Client. */
export interface SecuritySuite {
  readonly alg: IntegrityAlgorithm
  readonly ealg: EncryptionAlgorithm
}

/** How a UE behaves. Each has a default that suits a UE on Gm. */
export interface UeSettings {
  /** T1, T2 and T4 on Gm. */
  readonly timers: SipTimers
  /** What is asked for in REGISTER, PUBLISH and SUBSCRIBE; the network may grant less. */
  readonly registrationSeconds: number
  readonly publicationSeconds: number
  readonly subscriptionSeconds: number
  /** The UE subscribes to the event package `reg` of its own registration (TS 24.229 clause 5.1.1.3), and for how long. */
  readonly subscribesToRegEvent: boolean
  readonly regEventSeconds: number
  /**
   * What Security-Client offers, in the order of preference, each pair one entry (TS 33.203 clause 7.2). Only what stands
   * here is offered and accepted: integrity alone, hmac-md5-96, des-ede3-cbc, aes-gcm and aes-gmac are switched on so.
   */
  readonly suites: readonly SecuritySuite[]
  /** How long a temporary set lives. */
  readonly regAwaitAuthMs: number
  /** Our own ports outside of the SAs. */
  readonly unprotectedPort: number
  readonly encapsulationPort: number
  /** Registration, publications and subscriptions are kept alive by themselves, also after the P-CSCF was lost. */
  readonly refreshes: boolean
  /** Asks the P-CSCF this often whether it still has our SAs, which also holds a NAT's mapping open; 0: never. */
  readonly aliveCheckMs: number
  /** How many notifications of one subscription wait for their reader. */
  readonly notificationsMax: number
  /** Value of P-Access-Network-Info, which goes out protected only (TS 24.229 clause 7.2A.4). */
  readonly accessNetworkInfo: string | undefined
}

/**
 * SIP timers from T1 alone, in the proportions of TS 24.229 table 7.7.1 (2 s, 16 s and 17 s between UE and P-CSCF).
 */
export function gmTimers(t1Ms: number): SipTimers {
  return { t1Ms, t2Ms: 8 * t1Ms, t4Ms: 8.5 * t1Ms }
}

export const DEFAULT_SETTINGS: UeSettings = {
  timers: GM_TIMERS,
  // TS 24.229 clause 5.1.1.2.1.
  registrationSeconds: 600_000,
  // RFC 3856 section 6.4 and RFC 3903 section 4.1 for presence.
  publicationSeconds: 3_600,
  subscriptionSeconds: 3_600,
  subscribesToRegEvent: true,
  // TS 24.229 clause 5.1.1.3.
  regEventSeconds: 600_000,
  suites: [{ alg: 'hmac-sha-1-96', ealg: 'aes-cbc' }],
  // TS 24.229 table 7.8.1: reg-await-auth.
  regAwaitAuthMs: 240_000,
  unprotectedPort: 15_060,
  encapsulationPort: 14_500,
  refreshes: true,
  aliveCheckMs: 0,
  notificationsMax: 64,
  accessNetworkInfo: undefined,
}

/** Below this a notifier that is just being started anew would be taken for none. */
const NOTIFY_WAIT_MS_MIN = 32_000

/**
 * Timer N: how long a SUBSCRIBE may go without its NOTIFY. `Choice:` never below the 64*T1 of the standard's own T1,
 * however short the T1 of a test is.
 *
 * @see RFC 6665 section 4.1.2.4
 */
export function timerNMs(timers: SipTimers): number {
  return Math.max(64 * timers.t1Ms, NOTIFY_WAIT_MS_MIN)
}
