import { CR, isBlank, isToken, parseDigits, SPACE, trimmed } from './chars.ts'
import { SipParseError, type SipParseErrorCode, SipSyntaxError } from './errors.ts'
import { checkedHeaderKey, nameInPlace, spelledName } from './header-names.ts'
import { appendParsed, SipHeaders, startParsed } from './headers.ts'
import { DEFAULT_SIP_LIMITS, type SipLimits, URI_OCTETS_MAX } from './limits.ts'
import { EMPTY_BODY, isUriText, type SipMessage } from './message.ts'

const HEAD_END = Buffer.from('\r\n\r\n')
const VERSION = 'SIP/2.0'

/** Digits of a Content-Length that are read; a longer one is far beyond every limit. */
const CONTENT_LENGTH_DIGITS_MAX = 10

interface Fault {
  readonly code: SipParseErrorCode
  readonly detail: string
}

/** Collects the first thing that is wrong while the rest is still read, so that the request can be answered. */
class Faults {
  first: Fault | undefined
  note(code: SipParseErrorCode, detail: string): void {
    this.first ??= { code, detail }
  }
}

/**
 * Reads one datagram. Takes time linear in its length, whatever it holds; header values are read by their own parsers
 * when somebody asks. The body is a view of `bytes`, not a copy.
 *
 * Lines end in CRLF alone. A body longer than Content-Length is cut, a shorter one is an error, and without
 * Content-Length it goes to the end of the datagram (RFC 3261 section 18.3). Empty lines in front are skipped (section
 * 7.5).
 *
 * @throws SipParseError
 * @see RFC 3261 section 7
 */
export function parseMessage(bytes: Buffer, limits: SipLimits = DEFAULT_SIP_LIMITS): SipMessage {
  const faults = new Faults()
  const start = skipEmptyLines(bytes)
  const { head, bodyStart } = cutHead(bytes, start, limits, faults)
  const startLineEnd = lineEnd(head, 0)
  if (startLineEnd < 0) throw new SipParseError('SIP_MALFORMED', 'no start line')
  const message = readStartLine(head.slice(0, startLineEnd), faults)
  const contentLength = readHeaders(head, startLineEnd + 2, message.headers, limits, faults)
  if (bodyStart >= 0) message.body = cutBody(bytes, bodyStart, contentLength, limits, faults)
  if (faults.first) {
    const request = message.kind === 'request' && message.method !== '' ? message : undefined
    throw new SipParseError(faults.first.code, faults.first.detail, request)
  }
  return message
}

function skipEmptyLines(bytes: Buffer): number {
  let at = 0
  while (bytes[at] === CR && bytes[at + 1] === 0x0a) at += 2
  return at
}

/** The head as text, each of its lines with its CRLF, and where the body starts: -1 when the head does not end. */
function cutHead(bytes: Buffer, start: number, limits: SipLimits, faults: Faults): { head: string; bodyStart: number } {
  // guard: sip-header-octets — a head has a bound
  const isLonger = bytes.length > limits.headerBytesMax
  const searched = isLonger ? bytes.subarray(0, limits.headerBytesMax) : bytes
  const end = searched.indexOf(HEAD_END, start)
  if (end >= 0) return { head: bytes.toString('latin1', start, end + 2), bodyStart: end + HEAD_END.length }
  if (isLonger) faults.note('SIP_TOO_LARGE', `the header fields take more than ${limits.headerBytesMax} octets`)
  else faults.note('SIP_MALFORMED', 'no empty line ends the header fields')
  const lastLine = searched.lastIndexOf('\r\n')
  return { head: bytes.toString('latin1', start, Math.max(start, lastLine + 2)), bodyStart: -1 }
}

/** Where the CR of the line that starts at `from` stands; -1 when no whole line does. */
function lineEnd(head: string, from: number): number {
  return head.indexOf('\r\n', from)
}

function readStartLine(line: string, faults: Faults): SipMessage {
  if (line.startsWith('SIP/')) return readStatusLine(line)
  const message: SipMessage = { kind: 'request', method: '', uri: '', headers: new SipHeaders(), body: EMPTY_BODY }
  const methodEnd = line.indexOf(' ')
  const uriEnd = line.lastIndexOf(' ')
  const method = line.slice(0, Math.max(0, methodEnd))
  const uri = line.slice(methodEnd + 1, Math.max(methodEnd + 1, uriEnd))
  const version = line.slice(uriEnd + 1)
  if (!isToken(method) || uriEnd === methodEnd) faults.note('SIP_MALFORMED', 'no request line')
  else {
    message.method = method
    if (version !== VERSION && version.toUpperCase() !== VERSION) {
      if (/^SIP\/[0-9]{1,9}\.[0-9]{1,9}$/i.test(version)) faults.note('SIP_VERSION_UNSUPPORTED', 'not SIP/2.0')
      else faults.note('SIP_MALFORMED', 'no SIP version in the request line')
    }
    if (uri.length > URI_OCTETS_MAX) faults.note('SIP_URI_TOO_LONG', `the Request-URI has ${uri.length} octets`)
    else if (isUriText(uri)) message.uri = uri
    else faults.note('SIP_MALFORMED', 'the Request-URI has blanks, controls or is empty')
  }
  return message
}

/** A response is answered by nobody: what is wrong here ends the reading at once. */
function readStatusLine(line: string): SipMessage {
  if (!line.startsWith(`${VERSION} `)) throw new SipParseError('SIP_VERSION_UNSUPPORTED', 'not SIP/2.0')
  const status = parseDigits(line.slice(8, 11), 3)
  // Choice: a status line that ends behind its status, without the blank, is read.
  if (status < 100 || status > 699 || (line.length > 11 && line[11] !== ' ')) {
    throw new SipParseError('SIP_MALFORMED', 'no status of three digits')
  }
  if (/[\r\n]/.test(line)) throw new SipParseError('SIP_MALFORMED', 'a line ends in CR or LF alone')
  return { kind: 'response', status, reason: line.slice(12), headers: new SipHeaders(), body: EMPTY_BODY }
}

/** Reads all lines behind the start line into `headers`; returns Content-Length, or -1 without one. */
function readHeaders(head: string, from: number, headers: SipHeaders, limits: SipLimits, faults: Faults): number {
  startParsed(headers, head)
  let contentLength = -1
  let at = from
  let lines = 0
  let carriageReturn = -1
  let colon = -1
  while (at < head.length) {
    // The head ends in CRLF, so there is a line feed and a carriage return ahead. What was found beyond this line is
    // kept for the lines to come, or a head without any more of it would be searched whole for each of its lines.
    let end = head.indexOf('\n', at) - 1
    if (carriageReturn < at) carriageReturn = head.indexOf('\r', at)
    const known = nameInPlace(head, at)
    if (known !== undefined) colon = at + known.length
    else if (colon < at) colon = indexOrEnd(head, ':', at)
    const isLoneReturn = carriageReturn !== end
    const isFolded = isBlank(head.charCodeAt(end + 2))
    if (isFolded) end = foldedEnd(head, end)
    // guard: sip-header-count — header fields have a bound
    if (++lines > limits.headersMax) {
      faults.note('SIP_TOO_LARGE', `more than ${limits.headersMax} header fields`)
      return contentLength
    }
    if (isLoneReturn) faults.note('SIP_MALFORMED', 'a line ends in CR or LF alone')
    else if (colon > end) faults.note('SIP_MALFORMED', 'a line without a colon')
    else {
      const name = known ?? nameIn(head, at, colon)
      const key = known ?? checkedHeaderKey(name)
      const isPlain = !isFolded && isPlainValue(head, colon, end)
      const value = isPlain ? head.slice(colon + 2, end) : trimmedValue(head, colon + 1, end, isFolded, faults)
      if (key === undefined) faults.note('SIP_MALFORMED', 'the name of a header field is no token')
      else if (key === 'Content-Length') contentLength = readContentLength(value, contentLength, faults)
      else {
        const spelled = known ?? spelledName(key, name)
        // A line that would be written just so goes out as it stands here.
        const isAsWritten = isPlain && spelled === name && colon === at + name.length
        appendParsed(headers, { key, name: spelled, value, start: isAsWritten ? at : -1 })
      }
    }
    at = end + 2
  }
  return contentLength
}

/**
 * Header fields alone, as a part of a multipart body has them: each line with its CRLF. `header` names them in errors.
 *
 * @throws SipSyntaxError
 */
export function readHeaderLines(head: string, header: string): SipHeaders {
  const headers = new SipHeaders()
  const faults = new Faults()
  if (head.length > DEFAULT_SIP_LIMITS.headerBytesMax) faults.note('SIP_TOO_LARGE', 'the header fields are too long')
  else readHeaders(head, 0, headers, DEFAULT_SIP_LIMITS, faults)
  if (faults.first) throw new SipSyntaxError(header, faults.first.detail)
  return headers
}

/** Whether the value has one blank in front and none behind, as nearly all have: then it need not be trimmed. */
function isPlainValue(head: string, colon: number, end: number): boolean {
  return (
    end > colon + 2 &&
    head.charCodeAt(colon + 1) === SPACE &&
    !isBlank(head.charCodeAt(colon + 2)) &&
    !isBlank(head.charCodeAt(end - 1))
  )
}

function trimmedValue(head: string, from: number, end: number, isFolded: boolean, faults: Faults): string {
  return isFolded ? unfold(head, from, end, faults) : trimmed(head, from, end)
}

function indexOrEnd(text: string, char: string, from: number): number {
  const index = text.indexOf(char, from)
  return index < 0 ? text.length : index
}

/** HCOLON allows blanks between name and colon; a name that starts with one is the fold of nothing. */
function nameIn(head: string, from: number, colon: number): string {
  let end = colon
  while (end > from && isBlank(head.charCodeAt(end - 1))) end--
  return head.slice(from, end)
}

/** Where the last of the lines ends that continue the one which ends at `end`. */
function foldedEnd(head: string, end: number): number {
  let last = end
  while (isBlank(head.charCodeAt(last + 2))) last = head.indexOf('\n', last + 2) - 1
  return last
}

/**
 * Undoes line folds: a fold and the blanks around it are one blank (RFC 3261 section 7.3.1).
 *
 * @NOTE Line by line, not with a regular expression: `[ \t]*\r\n` takes quadratic time on a run of blanks.
 */
function unfold(head: string, from: number, end: number, faults: Faults): string {
  let value = ''
  for (let at = from; at < end; ) {
    const next = Math.min(end, head.indexOf('\n', at) - 1)
    if (head.indexOf('\r', at) !== next) {
      faults.note('SIP_MALFORMED', 'a line ends in CR or LF alone')
      return value
    }
    const part = trimmed(head, at, next)
    if (part !== '') value = value === '' ? part : `${value} ${part}`
    at = next + 2
  }
  return value
}

function readContentLength(value: string, earlier: number, faults: Faults): number {
  const length = parseDigits(value, CONTENT_LENGTH_DIGITS_MAX)
  if (length < 0) faults.note('SIP_MALFORMED', 'Content-Length is no number')
  // guard: sip-content-length — two lengths would let one message be read as two
  else if (earlier >= 0 && earlier !== length) faults.note('SIP_MALFORMED', 'two Content-Lengths')
  return length
}

function cutBody(bytes: Buffer, start: number, contentLength: number, limits: SipLimits, faults: Faults): Buffer {
  const there = bytes.length - start
  const length = contentLength < 0 ? there : contentLength
  // guard: sip-body-octets — a body has a bound
  if (length > limits.bodyBytesMax) {
    faults.note('SIP_BODY_TOO_LARGE', `a body of more than ${limits.bodyBytesMax} octets`)
    return EMPTY_BODY
  }
  if (length > there) {
    faults.note('SIP_MALFORMED', `the body has ${there} octets, Content-Length says ${length}`)
    return EMPTY_BODY
  }
  return length === 0 ? EMPTY_BODY : bytes.subarray(start, start + length)
}
