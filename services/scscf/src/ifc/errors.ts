import { RollcallError } from '@rollcall/core'

/** The text is no extended regular expression that we can run. */
export class ExpressionError extends RollcallError {
  override readonly name = 'ExpressionError'
  readonly code = 'IFC_EXPRESSION'
}

/** A filter criterion that cannot be evaluated; it is skipped, and only it. */
export class CriterionError extends RollcallError {
  override readonly name = 'CriterionError'
  readonly code = 'IFC_CRITERION'
}
