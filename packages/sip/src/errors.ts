import { RollcallError } from '@rollcall/core'
import type { SipRequest } from './message.ts'
import { sipStatusOf } from './status.ts'

/** What keeps octets from being a SIP message. */
export type SipParseErrorCode =
  | 'SIP_MALFORMED'
  | 'SIP_TOO_LARGE'
  | 'SIP_BODY_TOO_LARGE'
  | 'SIP_URI_TOO_LONG'
  | 'SIP_VERSION_UNSUPPORTED'

/**
 * The octets are no SIP message that we take. `request` has what could be read of a request, so that it can be answered;
 * it is absent for a response, and where not even the request line could be read.
 */
export class SipParseError extends RollcallError {
  override readonly name = 'SipParseError'
  readonly code: SipParseErrorCode
  readonly detail: string
  readonly request: SipRequest | undefined

  constructor(code: SipParseErrorCode, detail: string, request?: SipRequest) {
    super(`${code}: ${detail}`)
    this.code = code
    this.detail = detail
    this.request = request
  }

  /** The status that answers it. */
  get status(): number {
    return sipStatusOf(this.code).status
  }
}

/** A header field is absent where it must be there, or breaks its grammar. The value itself is not repeated. */
export class SipSyntaxError extends RollcallError {
  override readonly name = 'SipSyntaxError'
  readonly code = 'SIP_SYNTAX'
  readonly header: string
  readonly detail: string

  constructor(header: string, detail: string) {
    super(`${header}: ${detail}`)
    this.header = header
    this.detail = detail
  }
}

/** Why no security agreement can be read out of a list of mechanisms. */
export type SecurityAgreementErrorCode = 'SECURITY_MECHANISM_MISSING' | 'SECURITY_OFFER_INVALID'

/**
 * The mechanisms hold no `ipsec-3gpp` entry that could be used, or one whose SPIs or ports cannot be.
 */
export class SecurityAgreementError extends RollcallError {
  override readonly name = 'SecurityAgreementError'
  readonly code: SecurityAgreementErrorCode
  readonly detail: string

  constructor(code: SecurityAgreementErrorCode, detail: string) {
    super(`${code}: ${detail}`)
    this.code = code
    this.detail = detail
  }
}

/** The table of transactions is full: the request is not sent. */
export class TransactionsFullError extends RollcallError {
  override readonly name = 'TransactionsFullError'
  readonly code = 'SIP_TRANSACTIONS_FULL'
  readonly transactionsMax: number

  constructor(transactionsMax: number) {
    super(`${transactionsMax} transactions are under way`)
    this.transactionsMax = transactionsMax
  }
}

/** A client transaction with this branch and method is under way: a branch is never used twice. */
export class BranchInUseError extends RollcallError {
  override readonly name = 'BranchInUseError'
  readonly code = 'SIP_BRANCH_IN_USE'

  constructor(method: string) {
    super(`a ${method} with this branch is under way`)
  }
}
