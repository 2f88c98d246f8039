/** Escapes character data. `>` too, so that `]]>` never appears (XML 1.0 section 2.4). Drops what XML cannot carry. */
export function escapeText(text: string): string {
  return PLAIN.test(text) ? text : cleaned(text).replace(/[&<>\r]/g, escapeChar)
}

/** Escapes the value of an attribute in double quotes; white space other than a space survives as a reference. */
export function escapeAttribute(text: string): string {
  return PLAIN.test(text) ? text : cleaned(text).replace(/[&<>"\t\n\r]/g, escapeChar)
}

/** Undoes references; the scanner has checked them. */
export function decodeReferences(text: string): string {
  return text.replace(/&([^;]*);/g, (_, name: string) => {
    if (name.startsWith('#x')) return String.fromCodePoint(Number.parseInt(name.slice(2), 16))
    if (name.startsWith('#')) return String.fromCodePoint(Number(name.slice(1)))
    return ENTITIES.get(name) ?? ''
  })
}

/** The five entities that need no declaration (XML 1.0 section 4.6). */
export const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

const PLAIN = /^[ !#-%'-;=?-~]*$/

const NAMED: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escapeChar(char: string): string {
  return NAMED[char] ?? `&#${char.charCodeAt(0)};`
}

/** Lone surrogates and control characters are no XML Char: U+FFFD takes their place (XML 1.0 section 2.2). */
function cleaned(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are the ones to replace.
  return text.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
}
