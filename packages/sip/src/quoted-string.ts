import { BACKSLASH, QUOTE } from './chars.ts'

/** Index behind the quoted string whose opening quote is at `from`; -1 when it does not end. */
export function quotedEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === BACKSLASH) at++
    else if (code === QUOTE) return at + 1
  }
  return -1
}

/**
 * The meaning of a quoted string: without its quotes and escapes. Text that is not quoted comes back as it is. Blanks
 * inside the quotes stay.
 *
 * @see RFC 3261 section 25.1 (quoted-string, quoted-pair)
 */
export function unquote(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== QUOTE || text.charCodeAt(text.length - 1) !== QUOTE) return text
  const inside = text.slice(1, -1)
  return inside.includes('\\') ? inside.replace(/\\([\s\S])/g, '$1') : inside
}

/** The inverse of `unquote`: in quotes, with `"` and `\` escaped. */
export function quote(text: string): string {
  return `"${/["\\]/.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`
}
