import { XcapUriError } from '../errors.ts'

/** Most prefixes that a query may bind. */
const BINDINGS_MAX = 32
const NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/

/**
 * Reads `xmlns(p=uri)xmlns(q=uri)…`, already percent-decoded: `^` escapes a parenthesis or itself. Pointer parts of other
 * schemes are passed over.
 *
 * @returns namespace by prefix; of several for one prefix the last.
 * @throws XcapUriError
 * @see RFC 4825 section 6.4
 */
export function parseNamespaceQuery(text: string): ReadonlyMap<string, string> {
  const bindings = new Map<string, string>()
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      at++
      continue
    }
    const open = text.indexOf('(', at)
    if (open < 0) throw malformed()
    const scheme = text.slice(at, open)
    const { data, end } = schemeData(text, open + 1)
    at = end
    if (scheme !== 'xmlns') continue
    const equals = data.indexOf('=')
    const prefix = data.slice(0, Math.max(equals, 0)).trim()
    if (equals < 0 || !NAME.test(prefix)) throw malformed()
    bindings.set(prefix, data.slice(equals + 1).trim())
    if (bindings.size > BINDINGS_MAX) throw malformed()
  }
  return bindings
}

/** From behind the opening parenthesis to behind the one that closes it. */
function schemeData(text: string, start: number): { readonly data: string; readonly end: number } {
  let data = ''
  let depth = 1
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at)
    if (char === '^') {
      at++
      const escaped = text.charAt(at)
      if (escaped !== '(' && escaped !== ')' && escaped !== '^') throw malformed()
      data += escaped
      continue
    }
    if (char === '(') depth++
    else if (char === ')' && --depth === 0) return { data, end: at + 1 }
    data += char
  }
  throw malformed()
}

function malformed(): XcapUriError {
  return new XcapUriError('XCAP_URI_MALFORMED', 'the query binds no namespaces')
}
