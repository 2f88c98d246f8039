import { RollcallError } from '@rollcall/core'

/** No SPI was found that nobody uses: an assertion in all but name. */
export class SpiExhaustedError extends RollcallError {
  override readonly name = 'SpiExhaustedError'
  readonly code = 'PCSCF_SPI_EXHAUSTED'
  constructor() {
    super('no free SPI found')
  }
}

/** Every protected client port is taken towards one UE address. */
export class PortExhaustedError extends RollcallError {
  override readonly name = 'PortExhaustedError'
  readonly code = 'PCSCF_PORT_EXHAUSTED'
  readonly address: string
  constructor(address: string) {
    super('no free protected client port towards one UE address')
    this.address = address
  }
}

/** As many SA sets as this process may have. */
export class SaTableFullError extends RollcallError {
  override readonly name = 'SaTableFullError'
  readonly code = 'PCSCF_SA_TABLE_FULL'
  readonly setsMax: number
  constructor(setsMax: number) {
    super(`${setsMax} SA sets are the most`)
    this.setsMax = setsMax
  }
}

/** A record of the log has a format that this program does not know, or is damaged. */
export class RecordUnreadableError extends RollcallError {
  override readonly name = 'RecordUnreadableError'
  readonly code = 'PCSCF_RECORD_UNREADABLE'
  constructor(detail: string, options?: ErrorOptions) {
    super(`a record of the log cannot be read: ${detail}`, options)
  }
}

/** Somebody else has taken this P-CSCF's partition: two processes run under one pod name. */
export class PartitionLostError extends RollcallError {
  override readonly name = 'PartitionLostError'
  readonly code = 'PCSCF_PARTITION_LOST'
  readonly partition: string
  constructor(partition: string, options?: ErrorOptions) {
    super(`partition ${partition} has another owner`, options)
    this.partition = partition
  }
}
