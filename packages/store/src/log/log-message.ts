import { assert } from '@rollcall/core'
import { LogFormatError } from '../errors.ts'
import { framedOctets, type LogRecord, visitFrames, writeFrame } from './record-frame.ts'

/*
 * A message of a partition log, all numbers big-endian:
 *
 *   octet  0      version of this format, 1
 *   octet  1      kind: 1 epoch, 2 records, 3 mark
 *   octets 2-9    epoch: the sequence of the writer's own epoch message; 0 in that message itself
 *   octets 10-17  number of the message within its epoch: 0 for the epoch message, then 1, 2 …
 *   octets 18-21  count of records
 *   then each record in its frame (record-frame.ts)
 *
 * An epoch message holds one record: 16 octets that no other epoch message holds. A mark holds one record: the 16 octets
 * of the id of the snapshot that stands for everything before it, once a manifest says so.
 *
 * A kind that is not known is refused by a reader, never skipped: a release that came before marks does not load a log
 * that has one, and so never takes half a state for the whole.
 */

const FORMAT_VERSION = 1
const HEADER_OCTETS = 22
const EPOCH_AT = 2

/** One message, and so one pack, is at most this long. */
export const PACK_OCTETS_MAX = 512 * 1024
/** Records in one pack. */
export const PACK_RECORDS_MAX = 1_000
/** One record, refused before it is packed: a pack holds at least one, with room for its frame. */
export const RECORD_OCTETS_MAX = 480 * 1024

export type LogMessageKind = 'epoch' | 'records' | 'mark'

const KIND_OCTETS: Readonly<Record<LogMessageKind, number>> = { epoch: 1, records: 2, mark: 3 }

export interface LogMessageHeader {
  readonly kind: LogMessageKind
  readonly epoch: bigint
  readonly number: bigint
  readonly count: number
}

/** Octets of a pack before its first record. */
export const PACK_HEADER_OCTETS: number = HEADER_OCTETS

/** Frames records as one message. A `traceparent` must be one that `isTraceparent` accepts. */
export function encodeLogMessage(o: {
  kind: LogMessageKind
  epoch: bigint
  number: bigint
  records: readonly LogRecord[]
}): Buffer {
  let octets = HEADER_OCTETS
  for (const record of o.records) octets += framedOctets(record)
  assert(octets <= PACK_OCTETS_MAX, 'a pack is within its bound')
  const message = Buffer.allocUnsafe(octets)
  message[0] = FORMAT_VERSION
  message[1] = KIND_OCTETS[o.kind]
  message.writeBigUInt64BE(o.epoch, EPOCH_AT)
  message.writeBigUInt64BE(o.number, 10)
  message.writeUInt32BE(o.records.length, 18)
  let at = HEADER_OCTETS
  for (const record of o.records) at = writeFrame(message, at, record)
  assert(at === octets, 'a pack is filled to its last octet')
  return message
}

/**
 * Reads a message's header alone.
 *
 * @throws LogFormatError also for a version or a kind that a later release may have written.
 */
export function decodeLogHeader(message: Buffer): LogMessageHeader {
  if (message.length < HEADER_OCTETS) throw new LogFormatError('a log message is too short')
  if (message[0] !== FORMAT_VERSION) throw new LogFormatError(`a log message has format version ${message[0]}`)
  return {
    kind: kindOf(message[1]),
    epoch: message.readBigUInt64BE(EPOCH_AT),
    number: message.readBigUInt64BE(10),
    count: message.readUInt32BE(18),
  }
}

/** The same message as one of another epoch. For a restore, which numbers epochs anew. */
export function withEpoch(message: Buffer, epoch: bigint): Buffer {
  const changed = Buffer.from(message)
  changed.writeBigUInt64BE(epoch, EPOCH_AT)
  return changed
}

function kindOf(octet: number | undefined): LogMessageKind {
  switch (octet) {
    case KIND_OCTETS.epoch:
      return 'epoch'
    case KIND_OCTETS.records:
      return 'records'
    case KIND_OCTETS.mark:
      return 'mark'
    default:
      throw new LogFormatError(`a log message has the unknown kind ${octet}`)
  }
}

/** Calls `visit` for each record of a message, with the message's own octets, not a copy. @throws LogFormatError */
export function visitRecords(message: Buffer, visit: (record: Buffer, traceparent: string | undefined) => void): void {
  visitFrames(message, HEADER_OCTETS, decodeLogHeader(message).count, visit)
}
