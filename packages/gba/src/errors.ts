import { RollcallError } from '@rollcall/core'

/** A NAF_Id needs a host name and a Ua security protocol identifier of five octets. */
export class InvalidNafIdError extends RollcallError {
  override readonly name = 'InvalidNafIdError'
  readonly code = 'GBA_NAF_ID_INVALID'
}

/** A connection has a cipher suite that is not in the table: no key can be derived for it. */
export class UnknownCipherSuiteError extends RollcallError {
  override readonly name = 'UnknownCipherSuiteError'
  readonly code = 'GBA_CIPHER_SUITE_UNKNOWN'
  readonly suite: string
  constructor(suite: string) {
    super(`cipher suite ${JSON.stringify(suite.slice(0, 80))} has no code here`)
    this.suite = suite
  }
}

/** The text is no B-TID. */
export class InvalidBtidError extends RollcallError {
  override readonly name = 'InvalidBtidError'
  readonly code = 'GBA_BTID_INVALID'
}

/** The octets are no BootstrappingInfo that we take. */
export class BootstrappingInfoError extends RollcallError {
  override readonly name = 'BootstrappingInfoError'
  readonly code = 'GBA_BOOTSTRAPPING_INFO_INVALID'
}

/** User security settings that nobody could use; every problem is listed. */
export class InvalidGussError extends RollcallError {
  override readonly name = 'InvalidGussError'
  readonly code = 'GBA_GUSS_INVALID'
  readonly problems: readonly string[]
  constructor(problems: readonly string[]) {
    super(problems.join('; '))
    this.problems = problems
  }
}
