import { SipSyntaxError } from './errors.ts'
import { sameSipUri } from './sip-uri.ts'
import { parseTelUri, sameTelUri, type TelUri } from './tel-uri.ts'

/**
 * Whether two URIs are the same, each scheme by its own rules: `sip` and `sips` as `sameSipUri`, `tel` as RFC 3966
 * section 4, another one when it reads the same but for the scheme's case.
 *
 * @see RFC 3261 section 19.1.4; RFC 3966 section 4
 */
export function sameUri(a: string, b: string): boolean {
  if (a === b) return true
  const first = readTelUri(a)
  const second = readTelUri(b)
  return first && second ? sameTelUri(first, second) : sameSipUri(a, b)
}

function readTelUri(text: string): TelUri | undefined {
  try {
    return parseTelUri(text)
  } catch (error) {
    if (error instanceof SipSyntaxError) return undefined
    throw error
  }
}
