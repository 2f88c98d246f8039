import { tokenEnd } from './chars.ts'
import { SipSyntaxError } from './errors.ts'

/** The longest time that the standard speaks of, in seconds (RFC 3261 section 20.19). */
const DELTA_SECONDS_MAX = 2 ** 32 - 1

/**
 * Reads `1*DIGIT` seconds: Expires, Min-Expires, the `expires` parameter. Choice: what is beyond 2^32-1 is that.
 *
 * @throws SipSyntaxError; `header` names the header field in it.
 * @see RFC 3261 section 25.1 (delta-seconds)
 */
export function parseDeltaSeconds(text: string, header = 'delta-seconds'): number {
  if (!/^[0-9]+$/.test(text)) throw new SipSyntaxError(header, 'is no number of seconds')
  return Math.min(DELTA_SECONDS_MAX, Number(text))
}

/**
 * Reads the seconds of a Retry-After, and leaves out its comment and parameters.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 20.33
 */
export function parseRetryAfter(text: string): number {
  const end = tokenEnd(text, 0)
  const rest = text.slice(end).trimStart()
  if (rest !== '' && rest[0] !== '(' && rest[0] !== ';') throw new SipSyntaxError('Retry-After', 'has no seconds')
  return parseDeltaSeconds(text.slice(0, end), 'Retry-After')
}
