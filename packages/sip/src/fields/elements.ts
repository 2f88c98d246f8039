import { QUOTE, skipBlanks } from '../chars.ts'
import { SipSyntaxError } from '../errors.ts'
import { type NameAddr, parseNameAddr } from '../name-addr.ts'
import { quotedEnd } from '../quoted-string.ts'
import { splitListInto } from '../split-list.ts'

/** The elements of all lines of a list header. @throws SipSyntaxError */
export function elementsOf(lines: readonly string[], header: string): string[] {
  const elements: string[] = []
  for (const line of lines) splitListInto(elements, header, line)
  return elements
}

/**
 * Reads one element that the grammar wants as `name-addr`: with angle brackets, so that it is plain which parameters are
 * the URI's.
 */
export function parseBracketedNameAddr(text: string, header: string): NameAddr {
  if (!hasBrackets(text)) throw new SipSyntaxError(header, 'has no angle brackets around its URI')
  return parseNameAddr(text, header)
}

/** Whether an angle bracket opens outside of a quoted display name. */
function hasBrackets(text: string): boolean {
  const start = skipBlanks(text, 0)
  const from = text.charCodeAt(start) === QUOTE ? quotedEnd(text, start) : start
  if (from < 0) return false
  const open = text.indexOf('<', from)
  const semicolon = text.indexOf(';', from)
  return open >= 0 && (semicolon < 0 || open < semicolon)
}

/** A value that stands on one line: elements with a comma between them. */
export function joinElements(elements: readonly string[]): string {
  return elements.join(', ')
}

/** The parameters but those named: what a typed value does not say itself. */
export function withoutParams<V>(params: ReadonlyMap<string, V>, names: readonly string[]): Map<string, V> {
  const rest = new Map(params)
  for (const name of names) rest.delete(name)
  return rest
}
