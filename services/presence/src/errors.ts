import { RollcallError } from '@rollcall/core'

/** A record of the log cannot be read: a newer release wrote it, or it is broken. The partition is not served. */
export class RecordUnreadableError extends RollcallError {
  override readonly name = 'RecordUnreadableError'
  readonly code = 'PRESENCE_RECORD_UNREADABLE'
  constructor(detail: string, options?: ErrorOptions) {
    super(`unreadable record: ${detail}`, options)
  }
}

/** The HSS cannot be asked, and what it said earlier is too old to go by. */
export class UserDataUnavailableError extends RollcallError {
  override readonly name = 'UserDataUnavailableError'
  readonly code = 'PRESENCE_USER_DATA_UNAVAILABLE'
}

/** The owner of a partition cannot say that something is in force: the partition was lost, or its store takes nothing. */
export class PartitionLostError extends RollcallError {
  override readonly name = 'PartitionLostError'
  readonly code = 'PRESENCE_PARTITION_LOST'
  readonly reason: string
  constructor(reason: string) {
    super(`the partition is not served: ${reason}`)
    this.reason = reason
  }
}
