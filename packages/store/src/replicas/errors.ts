import { RollcallError } from '@rollcall/core'

/** Octets are no lease, or one of a newer version. */
export class LeaseFormatError extends RollcallError {
  override readonly name = 'LeaseFormatError'
  readonly code = 'STORE_LEASE_FORMAT'
}

/** The first heartbeat could not be written: others of the same name wrote theirs in between, again and again. */
export class LeaseContendedError extends RollcallError {
  override readonly name = 'LeaseContendedError'
  readonly code = 'STORE_LEASE_CONTENDED'
  readonly replica: string
  constructor(replica: string) {
    super(`several processes want to be replica ${replica}`)
    this.replica = replica
  }
}
