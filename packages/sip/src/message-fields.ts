import { isCallId, isToken, parseDigits, trimmed } from './chars.ts'
import { type Cseq, parseCseq } from './cseq.ts'
import { parseDeltaSeconds } from './delta-seconds.ts'
import { SipSyntaxError } from './errors.ts'
import { type Event, parseEvent } from './event.ts'
import type { SipMessage } from './message.ts'
import { type NameAddr, parseNameAddr } from './name-addr.ts'
import { paramValue } from './params.ts'
import { elementEnd } from './split-list.ts'
import { parseVia, type Via } from './via.ts'

/** A header field that must be there. @throws SipSyntaxError when it is absent. */
function required(message: SipMessage, name: string): string {
  const value = message.headers.get(name)
  if (value === undefined) throw new SipSyntaxError(name, 'is absent')
  return value
}

/** The first element of Via: who sent this message last, or is to get this response. */
export function topVia(message: SipMessage): Via {
  const line = required(message, 'Via')
  const end = elementEnd(line, 0)
  return parseVia(end === line.length ? line : trimmed(line, 0, end))
}

export function callId(message: SipMessage): string {
  const value = required(message, 'Call-ID')
  if (!isCallId(value)) throw new SipSyntaxError('Call-ID', 'is no word')
  return value
}

export function cseq(message: SipMessage): Cseq {
  return parseCseq(required(message, 'CSeq'))
}

export function from(message: SipMessage): NameAddr {
  return parseNameAddr(required(message, 'From'), 'From')
}

export function to(message: SipMessage): NameAddr {
  return parseNameAddr(required(message, 'To'), 'To')
}

export function fromUri(message: SipMessage): string {
  return from(message).uri
}

export function toUri(message: SipMessage): string {
  return to(message).uri
}

export function fromTag(message: SipMessage): string | undefined {
  return tagOf(from(message), 'From')
}

export function toTag(message: SipMessage): string | undefined {
  return tagOf(to(message), 'To')
}

/** The tag of a From or To that has been read. */
export function tagOf(value: NameAddr, header: string): string | undefined {
  const tag = value.params.get('tag')
  if (tag === undefined) return undefined
  if (tag === true || !isToken(tag)) throw new SipSyntaxError(header, 'has a tag that is no token')
  return tag
}

/** The one Contact that a request or response making or refreshing a dialog has (RFC 3261 section 8.1.1.8). */
export function contact(message: SipMessage): NameAddr {
  const contacts = message.headers.list('Contact')
  if (contacts[0] === undefined || contacts.length > 1) throw new SipSyntaxError('Contact', 'is not exactly one')
  return parseNameAddr(contacts[0], 'Contact')
}

export function event(message: SipMessage): Event {
  return parseEvent(required(message, 'Event'))
}

/** Expires in seconds; undefined when it is absent. */
export function expires(message: SipMessage): number | undefined {
  const value = message.headers.get('Expires')
  return value === undefined ? undefined : parseDeltaSeconds(value, 'Expires')
}

/** Min-Expires in seconds; undefined when it is absent. */
export function minExpires(message: SipMessage): number | undefined {
  const value = message.headers.get('Min-Expires')
  return value === undefined ? undefined : parseDeltaSeconds(value, 'Min-Expires')
}

/** Max-Forwards, 0 to 255; undefined when it is absent (RFC 3261 section 20.22). */
export function maxForwards(message: SipMessage): number | undefined {
  const value = message.headers.get('Max-Forwards')
  if (value === undefined) return undefined
  // Leading zeros are digits as well, so a bound on digits is one on the text, not on the number.
  const hops = parseDigits(value, 10)
  if (hops < 0 || hops > 255) throw new SipSyntaxError('Max-Forwards', 'is not between 0 and 255')
  return hops
}

/**
 * The option tags of Require, Proxy-Require, Supported or Unsupported, in lower case, since they are compared so.
 */
export function optionTags(message: SipMessage, header: string): string[] {
  return tokens(message, header).map((tag) => tag.toLowerCase())
}

/** The tokens of Allow or Allow-Events as they came. */
export function tokens(message: SipMessage, header: string): string[] {
  const found = message.headers.list(header)
  for (const token of found) if (!isToken(token)) throw new SipSyntaxError(header, 'holds what is no token')
  return found
}

/** SIP-ETag or SIP-If-Match; undefined when it is absent (RFC 3903 section 11.3). */
export function entityTag(message: SipMessage, header: 'SIP-ETag' | 'SIP-If-Match'): string | undefined {
  const value = message.headers.get(header)
  if (value !== undefined && !isToken(value)) throw new SipSyntaxError(header, 'is no token')
  return value
}

/** The branch of the topmost Via; undefined when it has none. */
export function topBranch(message: SipMessage): string | undefined {
  return paramValue(topVia(message).params, 'branch')
}
