import { skipBlanks } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { type ContentType, mediaTypeParam } from '../fields/media-type.ts'
import { SipHeaders, writeHeaders } from '../headers.ts'
import { readHeaderLines } from '../parse-message.ts'

/** One part of a multipart body. */
export interface BodyPart {
  /** Content-Type, Content-ID, Content-Disposition …; Content-Length is not among them. */
  readonly headers: SipHeaders
  /** Octet for octet; a view of the body, not a copy. */
  readonly body: Buffer
}

/** Choice: most parts of one body. A third-party REGISTER has three. */
const BODY_PARTS_MAX = 32

/** RFC 2046 section 5.1.1: a boundary has 1 to 70 characters of this set, the last of them no blank. */
const BOUNDARY = /^[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]$/

const CRLF = Buffer.from('\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')
const HYPHEN = 0x2d
const CR = 0x0d
const LF = 0x0a

/**
 * Reads a multipart body into its parts; what stands before the first boundary and behind the last is left out. A part
 * that is itself multipart is the caller's to read.
 *
 * @throws SipSyntaxError
 * @see RFC 2046 section 5.1; RFC 5621 section 3
 */
export function parseMultipart(body: Buffer, contentType: ContentType): BodyPart[] {
  const boundary = boundaryOf(contentType)
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const parts: BodyPart[] = []
  let at = findDelimiter(body, delimiter, 0)
  if (at < 0) throw malformed('has no boundary in its body')
  for (;;) {
    const afterDelimiter = at + delimiter.length
    if (isClosing(body, afterDelimiter)) break
    const start = lineEndBehind(body, afterDelimiter)
    const next = findDelimiter(body, delimiter, start)
    if (next < 0) throw malformed('has no closing boundary')
    if (parts.length === BODY_PARTS_MAX) throw malformed(`has over ${BODY_PARTS_MAX} parts`)
    // The CRLF before a delimiter belongs to it. Where nothing stands between two, one CRLF is of both.
    parts.push(parsePart(body.subarray(start, Math.max(start, next - CRLF.length))))
    at = next
  }
  if (parts.length === 0) throw malformed('has no part')
  return parts
}

function boundaryOf(contentType: ContentType): string {
  if (contentType.type !== 'multipart') throw malformed('is not multipart')
  const boundary = mediaTypeParam(contentType, 'boundary')
  if (boundary === undefined || !BOUNDARY.test(boundary)) throw malformed('has no boundary that can be one')
  return boundary
}

/** Index of the next delimiter that stands at the start of a line and is followed by the line's end or `--`; else -1. */
function findDelimiter(body: Buffer, delimiter: Buffer, from: number): number {
  for (let at = body.indexOf(delimiter, from); at >= 0; at = body.indexOf(delimiter, at + 1)) {
    const isAtLineStart = at === 0 || (at >= 2 && body[at - 2] === CR && body[at - 1] === LF)
    if (isAtLineStart && (lineEnd(body, at + delimiter.length) >= 0 || isClosing(body, at + delimiter.length)))
      return at
  }
  return -1
}

function isClosing(body: Buffer, at: number): boolean {
  return body[at] === HYPHEN && body[at + 1] === HYPHEN
}

/** Behind the CRLF that ends the line whose rest, from `at` on, is blank; -1 when it is not. */
function lineEnd(body: Buffer, from: number): number {
  let at = from
  while (body[at] === 0x20 || body[at] === 0x09) at++
  return body[at] === CR && body[at + 1] === LF ? at + 2 : -1
}

function lineEndBehind(body: Buffer, from: number): number {
  const end = lineEnd(body, from)
  if (end < 0) throw malformed('has a boundary with text behind it')
  return end
}

/** A part starts with its header fields, or, if it has none, with an empty line; the body may be left out. */
function parsePart(bytes: Buffer): BodyPart {
  if (bytes.length === 0) return { headers: new SipHeaders(), body: bytes }
  if (bytes.indexOf(CRLF) === 0) return { headers: new SipHeaders(), body: bytes.subarray(CRLF.length) }
  const end = bytes.indexOf(HEAD_END)
  const head = bytes.toString('latin1', 0, end < 0 ? bytes.length : end + CRLF.length)
  const body = bytes.subarray(end < 0 ? bytes.length : end + HEAD_END.length)
  return { headers: readHeaderLines(head.endsWith('\r\n') ? head : `${head}\r\n`, 'multipart'), body }
}

/**
 * Writes parts as one body. The parts' octets leave as they are.
 *
 * @throws SipSyntaxError when the boundary cannot be one, or stands in a part.
 * @see RFC 2046 section 5.1.1
 */
export function formatMultipart(parts: readonly BodyPart[], boundary: string): Buffer {
  if (!BOUNDARY.test(boundary) || skipBlanks(boundary, 0) > 0) throw malformed('has no boundary that can be one')
  const delimiter = Buffer.from(`--${boundary}`, 'latin1')
  const chunks: Buffer[] = []
  for (const { headers, body } of parts) {
    const head = Buffer.from(writeHeaders(headers), 'latin1')
    // guard: multipart-boundary — a part cannot end itself and start another
    if (body.includes(delimiter) || head.includes(delimiter)) throw malformed('has its boundary in a part')
    chunks.push(delimiter, CRLF, head, CRLF, body, CRLF)
  }
  return Buffer.concat([...chunks, delimiter, Buffer.from('--\r\n')])
}

function malformed(detail: string): SipSyntaxError {
  return new SipSyntaxError('multipart', detail)
}
