import { isToken, parseDigits, skipBlanks } from './chars.ts'
import { SipSyntaxError } from './errors.ts'

/** A sequence number is below 2^31 (RFC 3261 section 8.1.1.5). */
export const CSEQ_LIMIT = 2 ** 31

export interface Cseq {
  readonly sequence: number
  readonly method: string
}

/**
 * Reads CSeq.
 *
 * @throws SipSyntaxError also from 2^31 on.
 * @see RFC 3261 section 20.16
 */
export function parseCseq(text: string): Cseq {
  let end = 0
  while (end < text.length && text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++
  const sequence = parseDigits(text.slice(0, end), 10)
  const methodStart = skipBlanks(text, end)
  const method = text.slice(methodStart)
  if (sequence < 0 || sequence >= CSEQ_LIMIT) throw new SipSyntaxError('CSeq', 'has no number below 2^31')
  if (methodStart === end || !isToken(method)) throw new SipSyntaxError('CSeq', 'has no method')
  return { sequence, method }
}
