import { RollcallError } from '@rollcall/core'

/**
 * Why a rules document cannot be used: not well-formed or too long (`RULES_MALFORMED`, `cause` says what), no ruleset or
 * a rule without id (`RULES_STRUCTURE`), too many rules (`RULES_LIMIT`).
 */
export type RulesErrorCode = 'RULES_MALFORMED' | 'RULES_STRUCTURE' | 'RULES_LIMIT'

/** A rules document cannot be used; whoever has no other policy blocks everybody. */
export class RulesError extends RollcallError {
  override readonly name = 'RulesError'
  readonly code: RulesErrorCode
  constructor(code: RulesErrorCode, detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.code = code
  }
}
