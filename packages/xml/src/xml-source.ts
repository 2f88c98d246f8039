import { isUtf8 } from 'node:buffer'
import { XmlError, type XmlErrorCode } from './errors.ts'
import { AMPERSAND, COLON, isXmlChar, NAME, NAME_START, OCTETS, SEMICOLON, SPACE } from './xml-octets.ts'
import { ENTITIES } from './xml-text.ts'

/** `&#x0010FFFF;` and a little more; names of entities are shorter. */
const REFERENCE_OCTETS_MAX = 16

/** The octets of a document, with what every reader of them asks: names, characters, references, places. */
export class XmlSource {
  readonly bytes: Buffer
  /** The same, one char an octet: quicker to look into, and slices of it cost no copy. */
  readonly text: string
  /** Where the local part of the name that was read last begins. */
  localStart = 0

  /** @throws XmlError when there are too many octets, or no UTF-8. */
  constructor(bytes: Buffer, bytesMax: number) {
    this.bytes = bytes
    // guard: document-octets — a document has a bound before it is read
    if (bytes.length > bytesMax) this.fail('XML_TOO_LARGE', `more than ${bytesMax} octets`, bytesMax)
    if (!isUtf8(bytes)) this.fail('XML_ENCODING', 'not UTF-8', 0)
    this.text = bytes.toString('latin1')
  }

  /** Throws, naming the place. */
  fail(code: XmlErrorCode, detail: string, offset: number): never {
    throw new XmlError(code, detail, offset)
  }

  is(at: number, kind: number): boolean {
    return isOf(this.text.charCodeAt(at), kind)
  }

  skipSpace(from: number): number {
    const { text } = this
    let at = from
    while (isOf(text.charCodeAt(at), SPACE)) at++
    return at
  }

  /** Reads a name from `start` and gives the place behind it. */
  readName(start: number): number {
    const { text } = this
    let at = start
    this.localStart = start
    if (!isOf(text.charCodeAt(at), NAME_START)) this.fail('XML_MALFORMED', 'a name was expected', at)
    while (isOf(text.charCodeAt(at), NAME)) at++
    if (text.charCodeAt(at) !== COLON) return at
    at++
    if (!isOf(text.charCodeAt(at), NAME_START)) this.fail('XML_NAMESPACE', 'a local name was expected', at)
    this.localStart = at
    while (isOf(text.charCodeAt(at), NAME)) at++
    if (text.charCodeAt(at) === COLON) this.fail('XML_NAMESPACE', 'two colons in a name', start)
    return at
  }

  /** The octet at `at` belongs to an XML Char (XML 1.0 section 2.2). */
  checkChar(at: number): void {
    const octet = this.text.charCodeAt(at)
    if (octet < 0x20 && !isOf(octet, SPACE)) this.fail('XML_MALFORMED', 'control character', at)
    // U+FFFE and U+FFFF are UTF-8, but no XML Char.
    if (octet === 0xef && this.text.charCodeAt(at + 1) === 0xbf && this.text.charCodeAt(at + 2) >= 0xbe) {
      this.fail('XML_MALFORMED', 'not a character', at)
    }
  }

  checkChars(from: number, to: number): void {
    for (let at = from; at < to; at++) this.checkChar(at)
  }

  /** Checks the reference at `at` and gives the place of its semicolon. */
  checkReference(at: number): number {
    const { text } = this
    let end = at + 1
    while (end < text.length && end - at <= REFERENCE_OCTETS_MAX && text.charCodeAt(end) !== SEMICOLON) end++
    if (text.charCodeAt(at) !== AMPERSAND || text.charCodeAt(end) !== SEMICOLON) {
      this.fail('XML_MALFORMED', 'ampersand', at)
    }
    const name = text.slice(at + 1, end)
    if (ENTITIES.has(name)) return end
    if (!name.startsWith('#')) this.fail('XML_FORBIDDEN', 'entity that is not predefined', at)
    const isHex = /^#x[0-9a-fA-F]+$/.test(name)
    if (!isHex && !/^#[0-9]+$/.test(name)) this.fail('XML_MALFORMED', 'character reference', at)
    const code = isHex ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    if (!isXmlChar(code)) this.fail('XML_MALFORMED', 'reference to what is no character', at)
    return end
  }

  /** The octets as characters; ASCII, which most are, needs no decoding. */
  decoded(start: number, end: number): string {
    const text = this.text.slice(start, end)
    return /^[\0-\x7f]*$/.test(text) ? text : this.bytes.toString('utf8', start, end)
  }

  spells(at: number, words: string): boolean {
    const { text } = this
    for (let i = 0; i < words.length; i++) {
      if (text.charCodeAt(at + i) !== words.charCodeAt(i)) return false
    }
    return true
  }

  /** Are these two spans spelt alike? */
  same(start: number, end: number, otherStart: number, otherEnd: number): boolean {
    const { text } = this
    if (end - start !== otherEnd - otherStart) return false
    for (let i = 0; i < end - start; i++) {
      if (text.charCodeAt(start + i) !== text.charCodeAt(otherStart + i)) return false
    }
    return true
  }
}

/** Behind the end of the text there is no octet, and nothing is of any kind. */
function isOf(octet: number, kind: number): boolean {
  return ((OCTETS[octet] as number) & kind) !== 0
}
