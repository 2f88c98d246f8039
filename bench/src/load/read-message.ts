import { readDigits } from './digits.ts'
import { BRANCH_DIGITS, SERIAL_DIGITS } from './load-messages.ts'

const BRANCH = Buffer.from('branch=z9hG4bK')
const ENTITY_TAG = Buffer.from('SIP-ETag: ')
const CALL_ID = Buffer.from('Call-ID: w')
const CSEQ = Buffer.from('CSeq: ')
const CRLF = Buffer.from('\r\n')
const STATUS_AT = 'SIP/2.0 '.length
const STATUS_LINE_200 = Buffer.from('SIP/2.0 200 OK\r\n')
const NO_BODY = Buffer.from('Content-Length: 0\r\n\r\n')
const LF = 0x0a
const [S, I, N] = [0x53, 0x49, 0x4e]
const LOWER = 0x20

/**
 * The generator reads just what it needs, from messages of servers that it trusts: it is no SIP stack. Header fields must
 * be spelt as the servers under test spell them; what it cannot read counts as a stray.
 */
export function isResponse(message: Buffer): boolean {
  return message[0] === S && message[1] === I
}

export function isNotify(message: Buffer): boolean {
  return message[0] === N
}

export function statusOf(response: Buffer): number {
  return readDigits(response, STATUS_AT, 3)
}

/** The branch of the topmost Via, our own; NaN when there is none. */
export function branchOf(response: Buffer): number {
  const at = response.indexOf(BRANCH)
  return at < 0 ? Number.NaN : readDigits(response, at + BRANCH.length, BRANCH_DIGITS)
}

/** A copy of the entity-tag, as the header field line that the next PUBLISH has (RFC 3903 section 4.1). */
export function ifMatchLineOf(response: Buffer): Buffer | undefined {
  const at = response.indexOf(ENTITY_TAG)
  if (at < 0) return undefined
  const end = response.indexOf(CRLF, at)
  return Buffer.from(`SIP-If-Match: ${response.toString('latin1', at + ENTITY_TAG.length, end)}\r\n`, 'latin1')
}

/** Serial number of the SUBSCRIBE that made the dialog; NaN when the NOTIFY is of no dialog of ours. */
export function serialOf(notify: Buffer): number {
  const at = notify.indexOf(CALL_ID)
  return at < 0 ? Number.NaN : readDigits(notify, at + CALL_ID.length, SERIAL_DIGITS)
}

export function cseqOf(notify: Buffer): number {
  const at = notify.indexOf(CSEQ)
  return at < 0 ? Number.NaN : readDigits(notify, at + CSEQ.length, 10)
}

/**
 * Writes the 200 to a request and gives its length: Via, From, To, Call-ID and CSeq as they came (RFC 3261 section
 * 8.2.6.2).
 */
export function writeOk(into: Buffer, request: Buffer): number {
  let end = STATUS_LINE_200.copy(into, 0)
  let at = request.indexOf(LF) + 1
  while (at > 0 && at < request.length) {
    const next = request.indexOf(LF, at) + 1
    if (next === 0 || next - at <= CRLF.length) break
    if (isEchoed(request, at)) end += request.copy(into, end, at, next)
    at = next
  }
  return end + NO_BODY.copy(into, end)
}

/** Via, From, To; Call-ID and CSeq, but neither Contact nor Content-Type. */
function isEchoed(request: Buffer, at: number): boolean {
  const first = (request[at] ?? 0) | LOWER
  const second = (request[at + 1] ?? 0) | LOWER
  switch (first) {
    case 0x76: // v
    case 0x66: // f
    case 0x74: // t
      return true
    case 0x63: // c: ca, cs
      return second === 0x61 || second === 0x73
    default:
      return false
  }
}
