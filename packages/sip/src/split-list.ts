import { BACKSLASH, COMMA, GREATER_THAN, LESS_THAN, QUOTE, trimmed } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { LIST_ELEMENTS_MAX } from './limits.ts'

/**
 * Index of the first comma at or behind `from` that separates two elements: not inside a quoted string or angle
 * brackets. The length of the text when there is none.
 */
export function elementEnd(text: string, from: number): number {
  let at = text.indexOf(',', from)
  if (at < 0) return text.length
  // Commas are rare inside elements: walk character by character only when there is one.
  let isQuoted = false
  let isBracketed = false
  for (at = from; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (isQuoted) {
      if (code === BACKSLASH) at++
      else if (code === QUOTE) isQuoted = false
    } else if (code === QUOTE) isQuoted = !isBracketed
    else if (code === LESS_THAN) isBracketed = true
    else if (code === GREATER_THAN) isBracketed = false
    else if (code === COMMA && !isBracketed) return at
  }
  return text.length
}

/**
 * Appends the elements of one line of a list header to `into`. An empty line has none; an empty element between commas
 * breaks the grammar.
 *
 * @throws SipSyntaxError
 * @see RFC 3261 section 7.3.1
 */
export function splitListInto(into: string[], header: string, line: string): void {
  if (trimmed(line, 0, line.length) === '') return
  for (let from = 0; from <= line.length; ) {
    const end = elementEnd(line, from)
    const element = trimmed(line, from, end)
    if (element === '') throw new SipSyntaxError(header, 'has an empty element')
    if (into.length === LIST_ELEMENTS_MAX) throw new SipSyntaxError(header, `has over ${LIST_ELEMENTS_MAX} elements`)
    into.push(element)
    from = end + 1
  }
}
