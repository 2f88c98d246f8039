import { RollcallError } from '@rollcall/core'

/** A record of the log has a format that this program does not know, or is damaged: the partition cannot be loaded. */
export class RecordUnreadableError extends RollcallError {
  override readonly name = 'RecordUnreadableError'
  readonly code = 'SCSCF_RECORD_UNREADABLE'
}
