import { RollcallError } from '@rollcall/core'

/** The octets are no registration information document that we take. Never shows the document's content. */
export class ReginfoError extends RollcallError {
  override readonly name = 'ReginfoError'
  readonly code = 'REGINFO_UNREADABLE'
}
