import { RollcallError } from '@rollcall/core'

/** The file of NAFs, or what stands in it, cannot be used. */
export class NafsError extends RollcallError {
  override readonly name = 'NafsError'
  readonly code = 'AP_NAFS_UNUSABLE'
}

/** A file of revocation lists cannot be used. */
export class InvalidCrlError extends RollcallError {
  override readonly name = 'InvalidCrlError'
  readonly code = 'AP_CRL_INVALID'
}

/** Why a key, or a password, could not be had. */
export type LookupFailure =
  /** The B-TID or the user is not known, or its time is over. */
  | 'unknown'
  /** The BSF does not let this NAF have it. */
  | 'denied'
  /** Nobody could be asked, or too many ask. */
  | 'unavailable'

/** A key, or a password, could not be had. */
export class LookupError extends RollcallError {
  override readonly name = 'LookupError'
  readonly code = 'AP_LOOKUP_FAILED'
  readonly failure: LookupFailure
  constructor(failure: LookupFailure, options?: ErrorOptions) {
    super(`lookup: ${failure}`, options)
    this.failure = failure
  }
}
