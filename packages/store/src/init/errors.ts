import { RollcallError } from '@rollcall/core'

/** The encryption key is not the one that the data was written with. Nothing was done. */
export class NatsKeyMismatchError extends RollcallError {
  override readonly name = 'NatsKeyMismatchError'
  readonly code = 'STORE_INIT_KEY_MISMATCH'
  readonly storeDir: string
  constructor(storeDir: string) {
    super(`the data in ${storeDir} was written with another encryption key; restore that key`)
    this.storeDir = storeDir
  }
}

/** There is data, but no ledger beside it that says by which key. Nothing was done. */
export class LedgerMissingError extends RollcallError {
  override readonly name = 'LedgerMissingError'
  readonly code = 'STORE_INIT_LEDGER_MISSING'
  readonly ledgerFile: string
  constructor(storeDir: string, ledgerFile: string) {
    super(`${storeDir} holds data, but ${ledgerFile} is missing; restore it, or move the data away to begin anew`)
    this.ledgerFile = ledgerFile
  }
}

/** The ledger is not readable as one. Nothing was done. */
export class LedgerBrokenError extends RollcallError {
  override readonly name = 'LedgerBrokenError'
  readonly code = 'STORE_INIT_LEDGER_BROKEN'
  readonly ledgerFile: string
  constructor(ledgerFile: string, cause?: unknown) {
    super(`${ledgerFile} is no ledger of the store`, cause === undefined ? {} : { cause })
    this.ledgerFile = ledgerFile
  }
}

/** A stream that was made once is gone: the folder was emptied or exchanged. It is not made again. */
export class StreamLostError extends RollcallError {
  override readonly name = 'StreamLostError'
  readonly code = 'STORE_INIT_STREAM_LOST'
  readonly stream: string
  constructor(stream: string, storeDir: string, ledgerFile: string) {
    super(
      `stream ${stream} was initialised once and is gone from ${storeDir}; restore the data, ` +
        `or remove ${ledgerFile} together with all data to begin anew`,
    )
    this.stream = stream
  }
}

/**
 * A stream lies on disk and the server does not show it, as with another encryption key. Creating it would delete what
 * is there, so nothing was created.
 */
export class StreamUnreadableError extends RollcallError {
  override readonly name = 'StreamUnreadableError'
  readonly code = 'STORE_INIT_STREAM_UNREADABLE'
  readonly stream: string
  constructor(stream: string, storeDir: string) {
    super(`stream ${stream} lies in ${storeDir}, but the server does not show it: is its encryption key the right one?`)
    this.stream = stream
  }
}

/** The encryption key is not one that nats-server takes as it stands. */
export class InvalidNatsKeyError extends RollcallError {
  override readonly name = 'InvalidNatsKeyError'
  readonly code = 'STORE_INIT_INVALID_KEY'
  constructor() {
    super('the encryption key must be k and 32 to 128 of A-Z a-z 0-9 _ -')
  }
}

/**
 * Streams are missing and nobody vouches for their being new: without sight of the data folder a first installation
 * and a wrong key look alike.
 */
export class FirstInstallationError extends RollcallError {
  override readonly name = 'FirstInstallationError'
  readonly code = 'STORE_INIT_NOT_FIRST'
  readonly streams: readonly string[]
  constructor(streams: readonly string[]) {
    super(`${streams.join(', ')} are missing; say that this is the first installation if it is, else look at the key`)
    this.streams = streams
  }
}
