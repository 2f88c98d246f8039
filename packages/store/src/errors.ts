import { RollcallError } from '@rollcall/core'

/** Why the store gave no answer. */
export type UnavailableReason = 'disconnected' | 'no-answer' | 'no-responders' | 'closed' | 'unsettled'

/**
 * The store cannot be asked now. With outcome `refused` nothing was written and nothing will be; with `open` the
 * record may have landed or may still land, and whoever decided on it keeps what it decided.
 */
export class StoreUnavailableError extends RollcallError {
  override readonly name = 'StoreUnavailableError'
  readonly code = 'STORE_UNAVAILABLE'
  readonly reason: UnavailableReason
  readonly outcome: 'refused' | 'open'
  constructor(reason: UnavailableReason, outcome: 'refused' | 'open', cause?: unknown) {
    super(`the store is not available (${reason}); the outcome is ${outcome}`, cause === undefined ? {} : { cause })
    this.reason = reason
    this.outcome = outcome
  }
}

/** The partition has as many records waiting as it may hold. Nothing was written. */
export class StoreOverloadedError extends RollcallError {
  override readonly name = 'StoreOverloadedError'
  readonly code = 'STORE_OVERLOADED'
  readonly partition: string
  constructor(partition: string) {
    super(`partition ${partition} has too many records waiting`)
    this.partition = partition
  }
}

/**
 * The stream has reached its size, or its disk is full. Like an open outcome: the log tries on, and the record lands
 * as soon as there is room. Raise an alarm.
 */
export class StoreFullError extends RollcallError {
  override readonly name = 'StoreFullError'
  readonly code = 'STORE_FULL'
  readonly partition: string
  constructor(partition: string) {
    super(`the stream of partition ${partition} is full`)
    this.partition = partition
  }
}

/** Someone else has taken the partition: drop all of its state and answer nothing for it. */
export class FencedError extends RollcallError {
  override readonly name = 'FencedError'
  readonly code = 'STORE_FENCED'
  readonly partition: string
  readonly epoch: bigint
  constructor(partition: string, epoch: bigint) {
    super(`partition ${partition} was taken by a later owner than epoch ${epoch}`)
    this.partition = partition
    this.epoch = epoch
  }
}

/** The partition was released by its owner. Nothing was written. */
export class PartitionReleasedError extends RollcallError {
  override readonly name = 'PartitionReleasedError'
  readonly code = 'STORE_RELEASED'
  readonly partition: string
  constructor(partition: string) {
    super(`partition ${partition} was released`)
    this.partition = partition
  }
}

/** A partition writes one snapshot at a time. Nothing was written. */
export class SnapshotUnderWayError extends RollcallError {
  override readonly name = 'SnapshotUnderWayError'
  readonly code = 'STORE_SNAPSHOT_UNDER_WAY'
  readonly partition: string
  constructor(partition: string) {
    super(`partition ${partition} is writing a snapshot already`)
    this.partition = partition
  }
}

/** One record, or one value, is larger than the store takes. */
export class RecordTooLargeError extends RollcallError {
  override readonly name = 'RecordTooLargeError'
  readonly code = 'STORE_RECORD_TOO_LARGE'
  readonly octets: number
  readonly octetsMax: number
  constructor(octets: number, octetsMax: number) {
    super(`a record of ${octets} octets is too large: at most ${octetsMax}`)
    this.octets = octets
    this.octetsMax = octetsMax
  }
}

/**
 * A stream that should be there is not. It is never made here: either `rollcall store init` was not run, or NATS runs
 * with another encryption key (its log says `Error decrypting`), or its data folder was emptied or exchanged.
 */
export class StreamMissingError extends RollcallError {
  override readonly name = 'StreamMissingError'
  readonly code = 'STORE_STREAM_MISSING'
  readonly stream: string
  constructor(stream: string) {
    super(
      `stream ${stream} is missing: the store was not initialised, NATS has another encryption key, ` +
        'or its data folder was emptied; nothing was created',
    )
    this.stream = stream
  }
}

/** A stream is there but not as the layout has it; `field` is the first setting that differs. */
export class StreamMismatchError extends RollcallError {
  override readonly name = 'StreamMismatchError'
  readonly code = 'STORE_STREAM_MISMATCH'
  readonly stream: string
  readonly field: string
  constructor(stream: string, field: string, found: unknown, wanted: unknown) {
    super(`stream ${stream} has ${field} ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
    this.stream = stream
    this.field = field
  }
}

/** The server closed the door: no certificate, one it does not trust, or one that is no user of it. */
export class StoreRefusedError extends RollcallError {
  override readonly name = 'StoreRefusedError'
  readonly code = 'STORE_REFUSED'
  constructor(reason: string, cause: unknown) {
    super(`NATS refused this client: ${reason}`, { cause })
  }
}

/** The server's certificate does not say that it is the role `nats`. */
export class StoreServerIdentityError extends RollcallError {
  override readonly name = 'StoreServerIdentityError'
  readonly code = 'STORE_SERVER_IDENTITY'
  constructor(subjectAltName: string) {
    super(`what answers there has no certificate of the role nats, but ${JSON.stringify(subjectAltName)}`)
  }
}

/** The account's permissions do not allow to send to `subject`. */
export class StoreDeniedError extends RollcallError {
  override readonly name = 'StoreDeniedError'
  readonly code = 'STORE_DENIED'
  readonly subject: string
  constructor(subject: string) {
    super(`NATS does not permit this client to send to ${subject}`)
    this.subject = subject
  }
}

/** JetStream refused a request for a reason that has no error of its own here. */
export class JetStreamError extends RollcallError {
  override readonly name = 'JetStreamError'
  readonly code = 'STORE_JETSTREAM'
  /** JetStream's `err_code`. */
  readonly errorCode: number
  constructor(errorCode: number, description: string) {
    super(`JetStream: ${description} (${errorCode})`)
    this.errorCode = errorCode
  }
}

/** A log holds what its owners cannot have written in this order, or not at all. The partition must not be served. */
export class LogCorruptError extends RollcallError {
  override readonly name: string = 'LogCorruptError'
  readonly code: string = 'STORE_LOG_CORRUPT'
  readonly subject: string
  readonly sequence: bigint
  constructor(subject: string, sequence: bigint, detail: string, cause?: unknown) {
    super(`${subject} is broken at sequence ${sequence}: ${detail}`, cause === undefined ? {} : { cause })
    this.subject = subject
    this.sequence = sequence
  }
}

/**
 * A log ends before a record that was acknowledged: the server has lost its end, or all of it. `sequence` is that of the last
 * record that is there, 0 for none. The partition must not be served.
 */
export class LogTruncatedError extends LogCorruptError {
  override readonly name = 'LogTruncatedError'
  override readonly code = 'STORE_LOG_TRUNCATED'
  readonly stream: string
  /** Sequence of a record that was acknowledged. */
  readonly floor: bigint
  constructor(stream: string, subject: string, sequence: bigint, floor: bigint) {
    super(subject, sequence, `it is the last record in stream ${stream}, but sequence ${floor} was acknowledged`)
    this.stream = stream
    this.floor = floor
  }
}

/** Octets are no message of a partition log, or one of a newer version. */
export class LogFormatError extends RollcallError {
  override readonly name = 'LogFormatError'
  readonly code = 'STORE_LOG_FORMAT'
}

/** A key already has a value. */
export class KeyExistsError extends RollcallError {
  override readonly name = 'KeyExistsError'
  readonly code = 'STORE_KEY_EXISTS'
  readonly key: string
  constructor(key: string) {
    super(`${key} has a value already`)
    this.key = key
  }
}

/** A key was changed since the given revision. */
export class RevisionMismatchError extends RollcallError {
  override readonly name = 'RevisionMismatchError'
  readonly code = 'STORE_REVISION_MISMATCH'
  readonly key: string
  readonly revision: bigint
  constructor(key: string, revision: bigint) {
    super(`${key} is no longer at revision ${revision}`)
    this.key = key
    this.revision = revision
  }
}

/** A key cannot be a key: tokens of `A-Z a-z 0-9 _ - = /`, joined by dots. */
export class InvalidKeyError extends RollcallError {
  override readonly name = 'InvalidKeyError'
  readonly code = 'STORE_INVALID_KEY'
  readonly key: string
  constructor(key: string) {
    super(`${JSON.stringify(key.slice(0, 80))} cannot be a key`)
    this.key = key
  }
}
