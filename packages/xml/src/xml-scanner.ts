import { AttributeTable } from './attribute-table.ts'
import type { XmlErrorCode } from './errors.ts'
import { DEPTH_MAX, type XmlLimits } from './limits.ts'
import { type NamespaceBinding, NamespaceScope, NO_NAMESPACE, XML_PREFIX } from './namespace-scope.ts'
import type { XmlAttribute } from './tree.ts'
import {
  AMPERSAND,
  BRACKET,
  EXCLAMATION,
  GREATER_THAN,
  LESS_THAN,
  OCTETS,
  PLAIN_TEXT,
  QUESTION,
  SLASH,
  SPACE,
} from './xml-octets.ts'
import { XmlSource } from './xml-source.ts'
import { decodeReferences } from './xml-text.ts'

/** What `XmlScanner.next` stopped at. An empty-element tag gives `start`, then `end`. */
export type XmlToken = 'start' | 'end' | 'text' | 'eof'

/** One element as octets, to be copied as they are. */
export interface XmlFragment {
  readonly namespace: string
  readonly localName: string
  readonly start: number
  /** Behind the element's name in its start tag: further declarations may be put in here. */
  readonly nameEnd: number
  readonly end: number
  /** Declarations from outside of the element that names in it lean on. */
  readonly bindings: readonly NamespaceBinding[]
}

/** `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` with room for white space. */
const XML_DECLARATION_OCTETS_MAX = 128
const XML_DECLARATION =
  /^<\?xml[ \t\r\n]+version[ \t\r\n]*=[ \t\r\n]*(?:"1\.0"|'1\.0')(?:[ \t\r\n]+encoding[ \t\r\n]*=[ \t\r\n]*(?:"([A-Za-z][A-Za-z0-9._-]*)"|'([A-Za-z][A-Za-z0-9._-]*)'))?(?:[ \t\r\n]+standalone[ \t\r\n]*=[ \t\r\n]*(?:"(?:yes|no)"|'(?:yes|no)'))?[ \t\r\n]*\?>$/
/** Fields of an open element, as offsets into its row. */
const NAME_START_AT = 0
const LOCAL_START = 1
const NAME_END = 2
/** Declarations in scope before the element. */
const BINDINGS = 3
const OPEN_FIELDS = 4
/** U+FEFF as UTF-8, one char an octet. */
const BYTE_ORDER_MARK = '\xef\xbb\xbf'

/**
 * Reads XML in one pass, token by token, and checks on the way that it is well-formed and namespace-well-formed
 * (XML 1.0, Namespaces in XML 1.0). `Choice:` a subset: UTF-8, names in ASCII, no DOCTYPE, no processing instructions;
 * comments and CDATA are read. Time is linear in the number of octets: all that is compared with each other is bounded.
 *
 * Nothing is copied: tokens are spans of the octets, and names become strings when they are asked for.
 */
export class XmlScanner {
  /** Span of the token. */
  start = 0
  end = 0
  /** Namespace of the element whose tag this is; empty for none. */
  namespace = ''
  /** Of a text token: white space only, no references. */
  isBlank = false
  readonly #source: XmlSource
  readonly #scope: NamespaceScope
  readonly #attributes: AttributeTable
  #at = 0
  #nameStart = 0
  #nameEnd = 0
  #localStart = 0
  #elementBinding = NO_NAMESPACE
  #isEmptyElement = false
  #isCdata = false
  #hasReferences = false
  #rootSeen = false

  #depth = 0
  /** Of each open element, `OPEN_FIELDS` of them. Plain arrays: a typed one takes memory outside of the heap each time. */
  readonly #open: number[] = []
  readonly #openNamespace: string[] = []

  /**
   * @param outer declarations that hold around the document, when it is an element that stands in another one.
   * @throws XmlError when there are too many octets, or no UTF-8, or another encoding is declared.
   */
  constructor(bytes: Buffer, limits: XmlLimits, outer: readonly NamespaceBinding[] = []) {
    const source = new XmlSource(bytes, limits.bytesMax)
    this.#source = source
    this.#scope = new NamespaceScope(source, limits.bindingsMax)
    this.#attributes = new AttributeTable(source, this.#scope, limits.attributesMax)
    for (const { prefix, uri } of outer) this.#scope.declare(prefix, uri, 0)
    if (source.spells(0, BYTE_ORDER_MARK)) this.#at = BYTE_ORDER_MARK.length
    if (source.spells(this.#at, '<?xml') && source.is(this.#at + 5, SPACE)) this.#readXmlDeclaration()
  }

  get bytes(): Buffer {
    return this.#source.bytes
  }

  /** Elements open, the one of a `start` token included, the one of an `end` token not any more. */
  get depth(): number {
    return this.#depth
  }

  /** Name of the element whose tag this is, without prefix. */
  get localName(): string {
    return this.#source.text.slice(this.#localStart, this.#nameEnd)
  }

  /** Prefix of the element whose tag this is; empty for none. */
  get prefix(): string {
    return this.#localStart === this.#nameStart ? '' : this.#source.text.slice(this.#nameStart, this.#localStart - 1)
  }

  /** Whether the start tag is an empty-element tag. */
  get isEmptyElement(): boolean {
    return this.#isEmptyElement
  }

  /** What the start tag declares. */
  get declarations(): readonly NamespaceBinding[] {
    return this.#scope.since(this.#outerBindings())
  }

  /** Attributes of the start tag but declarations. */
  get attributes(): readonly XmlAttribute[] {
    return this.#attributes.list()
  }

  /** Behind the name in the start tag. */
  get nameEnd(): number {
    return this.#nameEnd
  }

  /** Moves on to the next token. */
  next(): XmlToken {
    if (this.#isEmptyElement) return this.#endEmptyElement()
    const { text } = this.#source
    for (;;) {
      const at = this.#at
      if (at >= text.length) return this.#endOfDocument()
      if (text.charCodeAt(at) !== LESS_THAN) {
        if (this.#readText()) return 'text'
        continue
      }
      switch (text.charCodeAt(at + 1)) {
        case SLASH:
          return this.#readEndTag()
        case EXCLAMATION:
          if (this.#readExclamation()) return 'text'
          continue
        case QUESTION:
          return this.fail('XML_FORBIDDEN', 'processing instruction', at)
        default:
          return this.#readStartTag()
      }
    }
  }

  /** Text of a text token, references undone and line ends made one (XML 1.0 section 2.11). */
  text(): string {
    const raw = this.#source.decoded(this.start, this.end)
    const text = raw.includes('\r') ? raw.replace(/\r\n?/g, '\n') : raw
    return this.#hasReferences && !this.#isCdata ? decodeReferences(text) : text
  }

  /** Value of an attribute of the start tag, normalised (XML 1.0 section 3.3.3). Unprefixed names have no namespace. */
  attribute(localName: string, namespace = ''): string | undefined {
    return this.#attributes.value(localName, namespace)
  }

  /**
   * From a `start` token to behind its end: the whole element as a fragment. The next token is what follows it.
   */
  readFragment(): XmlFragment {
    const { namespace, localName, start, nameEnd } = this
    const outer = this.#outerBindings()
    const needed: number[] = []
    this.#need(needed, outer)
    for (const depth = this.#depth; this.#depth >= depth; ) {
      if (this.next() === 'start') this.#need(needed, outer)
    }
    return { namespace, localName, start, nameEnd, end: this.end, bindings: this.#scope.named(needed) }
  }

  /**
   * The same for an element that must not have children, with its text.
   *
   * @throws XmlError `XML_STRUCTURE` when there is a child element.
   */
  readTextFragment(): { readonly fragment: XmlFragment; readonly text: string } {
    const { namespace, localName, start, nameEnd } = this
    const needed: number[] = []
    this.#need(needed, this.#outerBindings())
    const text = this.readTextContent()
    const bindings = this.#scope.named(needed)
    return { fragment: { namespace, localName, start, nameEnd, end: this.end, bindings }, text }
  }

  /** From a `start` token to behind its end: its text. @throws XmlError when there is a child element. */
  readTextContent(): string {
    let text = ''
    for (let token = this.next(); token !== 'end'; token = this.next()) {
      if (token !== 'text') this.fail('XML_STRUCTURE', 'an element where only text may be', this.start)
      text += this.text()
    }
    return text
  }

  /** Throws, naming the place. */
  fail(code: XmlErrorCode, detail: string, offset: number): never {
    return this.#source.fail(code, detail, offset)
  }

  #endEmptyElement(): XmlToken {
    this.#isEmptyElement = false
    this.#close()
    return 'end'
  }

  #endOfDocument(): XmlToken {
    if (this.#depth > 0) this.fail('XML_MALFORMED', 'the document ends inside an element', this.#at)
    if (!this.#rootSeen) this.fail('XML_MALFORMED', 'no element', this.#at)
    this.start = this.#at
    this.end = this.#at
    return 'eof'
  }

  #readXmlDeclaration(): void {
    const { text } = this.#source
    const close = text.indexOf('?>', this.#at)
    const declaration = text.slice(this.#at, Math.min(close + 2, this.#at + XML_DECLARATION_OCTETS_MAX))
    const match = close < 0 ? null : XML_DECLARATION.exec(declaration)
    if (!match) this.fail('XML_MALFORMED', 'XML declaration', this.#at)
    const encoding = match[1] ?? match[2] ?? 'UTF-8'
    if (!/^(?:utf-8|us-ascii)$/i.test(encoding)) this.fail('XML_ENCODING', 'another encoding than UTF-8', this.#at)
    this.#at = close + 2
  }

  /** Reads what begins with `<!`; true when it is text. */
  #readExclamation(): boolean {
    const source = this.#source
    if (source.spells(this.#at, '<!--')) {
      this.#skipComment()
      return false
    }
    if (source.spells(this.#at, '<![CDATA[')) {
      this.#readCdata()
      return true
    }
    // guard: xml-doctype — no document brings entities of its own
    if (source.spells(this.#at, '<!DOCTYPE')) this.fail('XML_FORBIDDEN', 'DOCTYPE', this.#at)
    return this.fail('XML_MALFORMED', 'markup declaration', this.#at)
  }

  #skipComment(): void {
    const { text } = this.#source
    const open = this.#at
    const close = text.indexOf('--', open + 4)
    if (close < 0 || text.charCodeAt(close + 2) !== GREATER_THAN) this.fail('XML_MALFORMED', 'comment', open)
    this.#source.checkChars(open + 4, close)
    this.#at = close + 3
  }

  #readCdata(): void {
    const open = this.#at
    if (this.#depth === 0) this.fail('XML_MALFORMED', 'text outside of the root element', open)
    const close = this.#source.text.indexOf(']]>', open + 9)
    if (close < 0) this.fail('XML_MALFORMED', 'CDATA section', open)
    this.#source.checkChars(open + 9, close)
    this.start = open + 9
    this.end = close
    this.isBlank = false
    this.#isCdata = true
    this.#at = close + 3
  }

  /** Reads character data; false when it is the white space around the root element, which is no token. */
  #readText(): boolean {
    const source = this.#source
    const { text } = source
    const start = this.#at
    let at = start
    let isBlank = true
    this.#hasReferences = false
    for (; at < text.length; at++) {
      const octet = text.charCodeAt(at)
      const kind = OCTETS[octet] as number
      if (kind & SPACE) continue
      if (octet === LESS_THAN) break
      isBlank = false
      if (kind & PLAIN_TEXT) continue
      if (octet === AMPERSAND) {
        at = source.checkReference(at)
        this.#hasReferences = true
      } else if (octet === GREATER_THAN) {
        if (at - start >= 2 && text.charCodeAt(at - 1) === BRACKET && text.charCodeAt(at - 2) === BRACKET) {
          this.fail('XML_MALFORMED', ']]> in text', at)
        }
      } else source.checkChar(at)
    }
    this.#at = at
    if (this.#depth === 0) {
      if (!isBlank) this.fail('XML_MALFORMED', 'text outside of the root element', start)
      return false
    }
    this.start = start
    this.end = at
    this.isBlank = isBlank
    this.#isCdata = false
    return true
  }

  #readEndTag(): XmlToken {
    const source = this.#source
    const start = this.#at
    if (this.#depth === 0) this.fail('XML_MALFORMED', 'end tag without start tag', start)
    const row = (this.#depth - 1) * OPEN_FIELDS
    const nameStart = this.#open[row + NAME_START_AT] as number
    const nameEnd = this.#open[row + NAME_END] as number
    const behindName = start + 2 + nameEnd - nameStart
    if (!source.same(start + 2, behindName, nameStart, nameEnd)) {
      this.fail('XML_MALFORMED', 'end tag of another element', start)
    }
    const close = source.skipSpace(behindName)
    if (source.text.charCodeAt(close) !== GREATER_THAN) this.fail('XML_MALFORMED', 'end tag', start)
    this.start = start
    this.end = close + 1
    this.#at = close + 1
    this.#close()
    return 'end'
  }

  #close(): void {
    this.#depth--
    const row = this.#depth * OPEN_FIELDS
    this.#nameStart = this.#open[row + NAME_START_AT] as number
    this.#localStart = this.#open[row + LOCAL_START] as number
    this.#nameEnd = this.#open[row + NAME_END] as number
    this.namespace = this.#openNamespace[this.#depth] as string
    this.#scope.leave(this.#open[row + BINDINGS] as number)
  }

  #readStartTag(): XmlToken {
    const source = this.#source
    const { text } = source
    const start = this.#at
    if (this.#depth === 0 && this.#rootSeen) this.fail('XML_MALFORMED', 'a second root element', start)
    if (this.#depth === DEPTH_MAX) this.fail('XML_LIMIT', `more than ${DEPTH_MAX} elements deep`, start)
    this.#rootSeen = true
    const outerBindings = this.#scope.size
    let at = source.readName(start + 1)
    this.#nameStart = start + 1
    this.#localStart = source.localStart
    this.#nameEnd = at
    this.#attributes.clear()
    for (;;) {
      const spaceStart = at
      at = source.skipSpace(at)
      const octet = text.charCodeAt(at)
      if (octet === GREATER_THAN) break
      if (octet === SLASH && text.charCodeAt(at + 1) === GREATER_THAN) {
        this.#isEmptyElement = true
        at++
        break
      }
      if (at === spaceStart) this.fail('XML_MALFORMED', 'start tag', start)
      at = this.#attributes.read(at)
    }
    this.start = start
    this.end = at + 1
    this.#at = at + 1
    this.#openElement(outerBindings)
    return 'start'
  }

  #openElement(outerBindings: number): void {
    const depth = this.#depth++
    const row = depth * OPEN_FIELDS
    this.#open[row + NAME_START_AT] = this.#nameStart
    this.#open[row + LOCAL_START] = this.#localStart
    this.#open[row + NAME_END] = this.#nameEnd
    this.#open[row + BINDINGS] = outerBindings
    this.#elementBinding = this.#scope.resolve(this.#nameStart, this.#localStart)
    this.namespace = this.#scope.uriOf(this.#elementBinding)
    this.#openNamespace[depth] = this.namespace
    this.#attributes.resolve()
  }

  /** How many declarations were in scope before the element of this start tag. */
  #outerBindings(): number {
    return this.#open[(this.#depth - 1) * OPEN_FIELDS + BINDINGS] as number
  }

  /** Notes which of the first `outer` declarations the names of this start tag lean on. */
  #need(needed: number[], outer: number): void {
    const need = (binding: number): void => {
      if (binding < outer && !needed.includes(binding)) needed.push(binding)
    }
    // The default declaration counts also where it is absent: whoever copies must know that there is none.
    if (this.#elementBinding !== XML_PREFIX) need(this.#elementBinding)
    this.#attributes.eachBinding(need)
  }
}
