export const LESS_THAN = 0x3c
export const GREATER_THAN = 0x3e
export const AMPERSAND = 0x26
export const SEMICOLON = 0x3b
export const SLASH = 0x2f
export const EXCLAMATION = 0x21
export const QUESTION = 0x3f
export const EQUALS = 0x3d
export const COLON = 0x3a
export const BRACKET = 0x5d
export const DOUBLE_QUOTE = 0x22
export const SINGLE_QUOTE = 0x27

/** May begin a name. `Choice:` ASCII only; presence documents have no other names. The colon is read apart. */
export const NAME_START = 1
/** May be in a name. */
export const NAME = 2
/** White space (XML 1.0 section 2.3). */
export const SPACE = 4
/** Needs no look in character data. */
export const PLAIN_TEXT = 8
/** Needs no look in a value, and no normalisation. */
export const PLAIN_VALUE = 16

/** What each octet may be. */
export const OCTETS: Uint8Array = classify()

/** Is the code point an XML Char (XML 1.0 section 2.2)? */
export function isXmlChar(code: number): boolean {
  if (code < 0x20) return code === 0x09 || code === 0x0a || code === 0x0d
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff)
}

function classify(): Uint8Array {
  const kinds = new Uint8Array(256)
  for (let octet = 0; octet < 256; octet++) {
    const char = String.fromCharCode(octet)
    let kind = 0
    if (/[A-Za-z_]/.test(char)) kind |= NAME_START
    if (/[A-Za-z0-9_.-]/.test(char)) kind |= NAME
    if (/[ \t\r\n]/.test(char)) kind |= SPACE
    // 0xEF begins U+FFFE and U+FFFF, which are no characters.
    const isPlain = octet >= 0x20 && octet !== 0xef
    if (isPlain && !/[<>&]/.test(char)) kind |= PLAIN_TEXT
    if (isPlain && !/[<&"']/.test(char)) kind |= PLAIN_VALUE
    kinds[octet] = kind
  }
  return kinds
}
