import { isBlank, paramValueEnd, parseDigits, QUOTE, skipBlanks } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { quote, quotedEnd, unquote } from '../quoted-string.ts'
import { elementsOf } from './elements.ts'

/** One element of Warning. */
export interface Warning {
  /** Three digits: 300 to 399. */
  readonly code: number
  /** Who warns: a host with its port, or a pseudonym. */
  readonly agent: string
  /** For a person; without quotes and escapes. */
  readonly text: string
}

const HEADER = 'Warning'

/**
 * Reads Warning over all its lines.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 20.43
 */
export function parseWarnings(lines: readonly string[]): Warning[] {
  return elementsOf(lines, HEADER).map((element) => {
    const code = element.length > 3 && isBlank(element.charCodeAt(3)) ? parseDigits(element.slice(0, 3), 3) : -1
    if (code < 100) throw new SipSyntaxError(HEADER, 'has no code of three digits')
    const agentStart = skipBlanks(element, 3)
    const agentEnd = paramValueEnd(element, agentStart)
    const textStart = skipBlanks(element, agentEnd)
    if (agentEnd === agentStart || textStart === agentEnd) throw new SipSyntaxError(HEADER, 'has no agent')
    const textEnd = element.charCodeAt(textStart) === QUOTE ? quotedEnd(element, textStart) : -1
    if (textEnd !== element.length) throw new SipSyntaxError(HEADER, 'has no quoted text')
    return { code, agent: element.slice(agentStart, agentEnd), text: unquote(element.slice(textStart)) }
  })
}

/** One element. */
export function formatWarning({ code, agent, text }: Warning): string {
  return `${code} ${agent} ${quote(text)}`
}
