import { RollcallError } from '@rollcall/core'

/** The URI names nothing that XCAP knows: 400 where it cannot be read, 404 where it can name no resource. */
export class XcapUriError extends RollcallError {
  override readonly name = 'XcapUriError'
  readonly code: 'XCAP_URI_MALFORMED' | 'XCAP_URI_NOT_FOUND'
  readonly detail: string
  constructor(code: XcapUriError['code'], detail: string) {
    super(detail)
    this.code = code
    this.detail = detail
  }
}

/** Conditions of a 409 (RFC 4825 section 11.1). */
export type XcapCondition =
  | 'schema-validation-error'
  | 'not-xml-frag'
  | 'no-parent'
  | 'not-xml-att-value'
  | 'uniqueness-failure'
  | 'not-well-formed'
  | 'constraint-failure'
  | 'not-utf-8'
  | 'cannot-insert'
  | 'cannot-delete'

/** Why a change cannot be made: a 409 with a body that says so. */
export interface XcapConflict {
  readonly condition: XcapCondition
  /** For people; never shows what the document holds. */
  readonly phrase?: string
  /** Of `no-parent`: URI of the nearest ancestor that is there. */
  readonly ancestor?: string
  /** Of `uniqueness-failure`: where the value stands that another one has, and what could stand there instead. */
  readonly exists?: readonly { readonly field: string; readonly alternatives: readonly string[] }[]
}

/** Carries a conflict out of where it is found. */
export class XcapConflictError extends RollcallError {
  override readonly name = 'XcapConflictError'
  readonly code = 'XCAP_CONFLICT'
  readonly conflict: XcapConflict
  constructor(conflict: XcapConflict) {
    super(conflict.phrase ?? conflict.condition)
    this.conflict = conflict
  }
}
