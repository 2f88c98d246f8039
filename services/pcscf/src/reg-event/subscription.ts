import type { Dialog, SipRequest } from '@rollcall/sip'

/** The subscription of this P-CSCF to the registration state of one contact. */
export interface RegSubscription {
  readonly registrationId: Buffer
  readonly callId: string
  /** Our tag. */
  readonly localTag: string
  /**
   * - `queued`: its SUBSCRIBE, the first or a refresh, waits for its turn;
   * - `asked`: it is under way;
   * - `active`: accepted;
   * - `refused`: not wanted, until the UE registers again;
   * - `ending`: its contact is no more, and the last NOTIFY may come yet.
   */
  state: 'queued' | 'asked' | 'active' | 'refused' | 'ending'
  /** The first SUBSCRIBE: a NOTIFY may come before its answer (RFC 6665 section 4.4.1). */
  request: SipRequest | undefined
  dialog: Dialog | undefined
  localCseq: number
  /** Of the last document; -1 before the first. */
  version: number
  /** Attempts in a row that failed. */
  failures: number
  /** What the S-CSCF wants at least (423). */
  expiresSecondsMin: number
}
