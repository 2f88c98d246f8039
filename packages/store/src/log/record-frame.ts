import { assert } from '@rollcall/core'
import { LogFormatError } from '../errors.ts'
import { isTraceparent, PACKED_TRACEPARENT_OCTETS, packTraceparent, unpackTraceparent } from './traceparent.ts'

/*
 * A record in a log message or in a chunk of a snapshot, numbers big-endian:
 *
 *   version of this frame (1), flags (1: has a trace context), length (4), [trace context (25)], octets
 */

const FRAME_VERSION = 1
const FLAG_TRACED = 1
const FRAME_OCTETS = 6

/** A record as its owner gave it. */
export interface LogRecord {
  readonly record: Uint8Array
  readonly traceparent?: string | undefined
}

/** Octets that a record takes with its frame. */
export function framedOctets(record: LogRecord): number {
  return FRAME_OCTETS + (record.traceparent === undefined ? 0 : PACKED_TRACEPARENT_OCTETS) + record.record.length
}

/** Writes a frame at `start` and gives where it ends. A `traceparent` must be one that `isTraceparent` accepts. */
export function writeFrame(message: Buffer, start: number, { record, traceparent }: LogRecord): number {
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
 * Calls `visit` for each of `count` frames from `start` to the end of `message`, with the message's own octets, not a copy.
 *
 * @throws LogFormatError
 */
export function visitFrames(
  message: Buffer,
  start: number,
  count: number,
  visit: (record: Buffer, traceparent: string | undefined) => void,
): void {
  let at = start
  for (let index = 0; index < count; index += 1) {
    if (at + FRAME_OCTETS > message.length) throw new LogFormatError('a record is cut off')
    if (message[at] !== FRAME_VERSION) throw new LogFormatError(`a record has frame version ${message[at]}`)
    const flags = message.readUInt8(at + 1)
    const octets = message.readUInt32BE(at + 2)
    at += FRAME_OCTETS
    if ((flags & ~FLAG_TRACED) !== 0) throw new LogFormatError(`a record has unknown flags ${flags}`)
    const recordAt = at + (flags & FLAG_TRACED ? PACKED_TRACEPARENT_OCTETS : 0)
    if (recordAt + octets > message.length) throw new LogFormatError('a record is cut off')
    const traceparent = flags & FLAG_TRACED ? unpackTraceparent(message, at) : undefined
    visit(message.subarray(recordAt, recordAt + octets), traceparent)
    at = recordAt + octets
  }
  if (at !== message.length) throw new LogFormatError('octets behind the last record')
}
