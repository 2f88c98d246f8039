/** A W3C `traceparent` of version 00 is 55 characters; packed it is trace id, span id and flags. */
export const PACKED_TRACEPARENT_OCTETS = 25

const TRACEPARENT = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/
const TRACE_ID_OCTETS = 16
const SPAN_ID_OCTETS = 8

/** True when `text` is a `traceparent` that can be packed (W3C Trace Context section 3.2). */
export function isTraceparent(text: string): boolean {
  return TRACEPARENT.test(text)
}

/** Writes a `traceparent` that `isTraceparent` accepts. */
export function packTraceparent(text: string, into: Buffer, at: number): void {
  into.write(text.slice(3, 35), at, TRACE_ID_OCTETS, 'hex')
  into.write(text.slice(36, 52), at + TRACE_ID_OCTETS, SPAN_ID_OCTETS, 'hex')
  into.write(text.slice(53, 55), at + TRACE_ID_OCTETS + SPAN_ID_OCTETS, 1, 'hex')
}

/** Reads what `packTraceparent` wrote. */
export function unpackTraceparent(from: Buffer, at: number): string {
  const spanAt = at + TRACE_ID_OCTETS
  const flagsAt = spanAt + SPAN_ID_OCTETS
  const hex = (start: number, end: number): string => from.toString('hex', start, end)
  return `00-${hex(at, spanAt)}-${hex(spanAt, flagsAt)}-${hex(flagsAt, flagsAt + 1)}`
}
