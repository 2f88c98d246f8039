import { assert } from '@rollcall/core'
import { LogFormatError } from '../errors.ts'
import { isTraceparent, PACKED_TRACEPARENT_OCTETS, packTraceparent, unpackTraceparent } from './traceparent.ts'

/*
 * A message of a partition log, all numbers big-endian:
 *
 *   octet  0      version of this format, 1
 *   octet  1      kind: 1 epoch, 2 records
 *   octets 2-9    epoch: the sequence of the writer's own epoch message; 0 in that message itself
 *   octets 10-17  number of the message within its epoch: 0 for the epoch message, then 1, 2 …
 *   octets 18-21  count of records
 *   then each record: version of its frame (1), flags (1: has a trace context), length (4), [trace context (25)], octets
 *
 * An epoch message holds one record: 16 octets that no other epoch message holds.
 */

const FORMAT_VERSION = 1
const FRAME_VERSION = 1
const FLAG_TRACED = 1
const HEADER_OCTETS = 22
const FRAME_OCTETS = 6

/** One message, and so one pack, is at most this long. */
export const PACK_OCTETS_MAX = 512 * 1024
/** Records in one pack. */
export const PACK_RECORDS_MAX = 1_000
/** One record, refused before it is packed: a pack holds at least one, with room for its frame. */
export const RECORD_OCTETS_MAX = 480 * 1024

export type LogMessageKind = 'epoch' | 'records'

const KIND_OCTETS: Readonly<Record<LogMessageKind, number>> = { epoch: 1, records: 2 }

export interface LogMessageHeader {
  readonly kind: LogMessageKind
  readonly epoch: bigint
  readonly number: bigint
  readonly count: number
}

export interface LogRecord {
  readonly record: Uint8Array
  readonly traceparent?: string | undefined
}

/** Octets that a record takes in a pack. */
export function framedOctets(record: LogRecord): number {
  return FRAME_OCTETS + (record.traceparent === undefined ? 0 : PACKED_TRACEPARENT_OCTETS) + record.record.length
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
  message.writeBigUInt64BE(o.epoch, 2)
  message.writeBigUInt64BE(o.number, 10)
  message.writeUInt32BE(o.records.length, 18)
  let at = HEADER_OCTETS
  for (const record of o.records) at = writeFrame(message, at, record)
  assert(at === octets, 'a pack is filled to its last octet')
  return message
}

function writeFrame(message: Buffer, start: number, { record, traceparent }: LogRecord): number {
  let at = start
  message[at] = FRAME_VERSION
  message[at + 1] = traceparent === undefined ? 0 : FLAG_TRACED
  message.writeUInt32BE(record.length, at + 2)
  at += FRAME_OCTETS
  if (traceparent !== undefined) {
    assert(isTraceparent(traceparent), 'a trace context is checked before it is packed')
    packTraceparent(traceparent, message, at)
    at += PACKED_TRACEPARENT_OCTETS
  }
  message.set(record, at)
  return at + record.length
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
    epoch: message.readBigUInt64BE(2),
    number: message.readBigUInt64BE(10),
    count: message.readUInt32BE(18),
  }
}

function kindOf(octet: number | undefined): LogMessageKind {
  switch (octet) {
    case KIND_OCTETS.epoch:
      return 'epoch'
    case KIND_OCTETS.records:
      return 'records'
    default:
      throw new LogFormatError(`a log message has the unknown kind ${octet}`)
  }
}

/** Calls `visit` for each record of a message, with the message's own octets, not a copy. @throws LogFormatError */
export function visitRecords(message: Buffer, visit: (record: Buffer, traceparent: string | undefined) => void): void {
  const { count } = decodeLogHeader(message)
  let at = HEADER_OCTETS
  for (let index = 0; index < count; index += 1) {
    if (at + FRAME_OCTETS > message.length) throw new LogFormatError('a record is cut off')
    if (message[at] !== FRAME_VERSION) throw new LogFormatError(`a record has frame version ${message[at]}`)
    const flags = message.readUInt8(at + 1)
    const octets = message.readUInt32BE(at + 2)
    at += FRAME_OCTETS
    if ((flags & ~FLAG_TRACED) !== 0) throw new LogFormatError(`a record has unknown flags ${flags}`)
    const start = at + (flags & FLAG_TRACED ? PACKED_TRACEPARENT_OCTETS : 0)
    if (start + octets > message.length) throw new LogFormatError('a record is cut off')
    visit(message.subarray(start, start + octets), flags & FLAG_TRACED ? unpackTraceparent(message, at) : undefined)
    at = start + octets
  }
  if (at !== message.length) throw new LogFormatError('a log message has octets behind its last record')
}
