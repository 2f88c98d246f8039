/**
 * Where a set of four SAs stands.
 *
 * - `temporary`: made with the 401, carries nothing but the REGISTER that answers it;
 * - `established`: authenticated; of a contact the newest one;
 * - `old`: the one that the re-registration came on, until the UE uses the new one and 64*T1 beyond;
 * - `closing`: what it was for has ended (de-registered, or its registration failed): it carries retransmissions only.
 *
 * @see TS 33.203 clause 7.4, TS 24.229 clause 5.2.2.2
 */
type SaSetState = 'temporary' | 'established' | 'old' | 'closing'

/** One set of SAs as the state machine sees it: no addresses, no keys. */
export interface SaSet {
  readonly id: string
  readonly state: SaSetState
  /** Names the registration attempt that it was made for. */
  readonly attempt: string
  /**
   * The registered contact that it belongs to. A temporary one belongs to the contact whose set the REGISTER came on;
   * to none when that came unprotected, since nothing is proven yet.
   */
  readonly contact: string | undefined
  /** The set that the REGISTER came on; undefined when that came unprotected. */
  readonly origin: string | undefined
  /** Requests to the UE may go out in it: the UE has used it, or has no other. */
  readonly isInUse: boolean
  /** On the monotonic clock. */
  readonly expiresAtMs: number
}

/** Old, established, temporary: six SAs in each direction (TS 33.203 clause 7.1). */
export const SETS_PER_CONTACT_MAX = 3

/** How long sets live. */
export interface SaLifetimes {
  /** reg-await-auth (TS 24.229 table 7.8.1). */
  readonly temporaryMs: number
  /** What an old or closing set is cut to: 64*T1 (TS 24.229 clause 5.2.2.2). */
  readonly graceMs: number
  /** How much longer than the registration an established set lives: 30 s (TS 24.229 clause 5.2.2.2). */
  readonly beyondRegistrationMs: number
}
