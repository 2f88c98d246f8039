import { isToken, trimmed } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import type { SipHeaders } from '../headers.ts'

/** Choice: most values of a Privacy; the registry has seven. */
const PRIVACY_VALUES_MAX = 32

/**
 * Reads Privacy: what is to be hidden of the sender, in lower case. `none` asks for no privacy and stands alone.
 *
 * Choice: a comma separates as well as a semicolon, and lines add up, for a reader that takes less hides less.
 *
 * @throws SipSyntaxError also for `none` beside another value.
 * @see RFC 3323 section 4.2; RFC 3325 section 9.3
 */
export function parsePrivacy(lines: readonly string[]): Set<string> {
  const values = new Set<string>()
  for (const line of lines) {
    for (const part of line.split(/[;,]/)) {
      const value = trimmed(part, 0, part.length).toLowerCase()
      if (!isToken(value)) throw new SipSyntaxError('Privacy', 'has a value that is no token')
      if (values.size === PRIVACY_VALUES_MAX)
        throw new SipSyntaxError('Privacy', `has over ${PRIVACY_VALUES_MAX} values`)
      values.add(value)
    }
  }
  if (values.has('none') && values.size > 1) throw new SipSyntaxError('Privacy', 'asks for none and for some')
  return values
}

/** The inverse; `critical` goes last (RFC 3323 section 4.2). @throws SipSyntaxError as `parsePrivacy`. */
export function formatPrivacy(values: Iterable<string>): string {
  const all = [...values]
  parsePrivacy([all.join(';')])
  return all.toSorted((a, b) => Number(a === 'critical') - Number(b === 'critical')).join(';')
}

/**
 * Whether the asserted identity must not leave the trust domain: with `id`, and where nobody can read what was asked.
 *
 * @see RFC 3325 section 7
 */
export function hidesIdentity(headers: SipHeaders): boolean {
  const lines = headers.getAll('Privacy')
  if (lines.length === 0) return false
  try {
    return parsePrivacy(lines).has('id')
  } catch (error) {
    // guard: privacy-unreadable — a wish for privacy that nobody can read hides, it does not show (RFC 3325 section 7)
    if (error instanceof SipSyntaxError) return true
    throw error
  }
}
