import { type NamespaceScope, NO_NAMESPACE } from './namespace-scope.ts'
import type { XmlAttribute } from './tree.ts'
import { AMPERSAND, COLON, DOUBLE_QUOTE, EQUALS, LESS_THAN, OCTETS, PLAIN_VALUE, SINGLE_QUOTE } from './xml-octets.ts'
import type { XmlSource } from './xml-source.ts'
import { decodeReferences } from './xml-text.ts'

/** Fields of an attribute, as offsets into its row of the table. */
const NAME_START_AT = 0
const LOCAL_START = 1
const NAME_END = 2
const VALUE_START = 3
const VALUE_END = 4
/** 1: the value has no references and no white space to normalise. */
const IS_PLAIN = 5
/** The declaration that its prefix leans on. */
const BINDING = 6
const FIELDS = 7

const NONE: readonly XmlAttribute[] = []

/** The attributes of one start tag, as spans; used again for each tag. */
export class AttributeTable {
  readonly #source: XmlSource
  readonly #scope: NamespaceScope
  readonly #max: number
  readonly #rows: number[] = []
  #count = 0

  constructor(source: XmlSource, scope: NamespaceScope, max: number) {
    this.#source = source
    this.#scope = scope
    this.#max = max
  }

  /** Begins with a new tag. */
  clear(): void {
    this.#count = 0
  }

  /** Reads the attribute at `start`, takes it as a declaration if it is one, and gives the place behind it. */
  read(start: number): number {
    const source: XmlSource = this.#source
    const index = this.#count
    if (index === this.#max) source.fail('XML_LIMIT', 'too many attributes', start)
    const nameEnd = source.readName(start)
    this.#set(index, NAME_START_AT, start)
    this.#set(index, LOCAL_START, source.localStart)
    this.#set(index, NAME_END, nameEnd)
    const equals = source.skipSpace(nameEnd)
    if (source.text.charCodeAt(equals) !== EQUALS) source.fail('XML_MALFORMED', 'attribute without value', start)
    const valueEnd = this.#readValue(index, source.skipSpace(equals + 1))
    this.#count = index + 1
    this.#checkTwice(index)
    this.#declare(index)
    return valueEnd + 1
  }

  /** Finds what each prefix leans on, once all declarations of the tag are known. */
  resolve(): void {
    let prefixed = 0
    for (let i = 0; i < this.#count; i++) {
      const nameStart = this.#get(i, NAME_START_AT)
      const localStart = this.#get(i, LOCAL_START)
      const isPrefixed = localStart !== nameStart && !this.#source.spells(nameStart, 'xmlns:')
      this.#set(i, BINDING, isPrefixed ? this.#scope.resolve(nameStart, localStart) : NO_NAMESPACE)
      if (isPrefixed) prefixed++
    }
    if (prefixed > 1) this.#checkExpandedTwice()
  }

  /** The value by expanded name, normalised (XML 1.0 section 3.3.3). Unprefixed names have no namespace. */
  value(localName: string, namespace: string): string | undefined {
    for (let i = 0; i < this.#count; i++) {
      const localStart = this.#get(i, LOCAL_START)
      if (this.#get(i, NAME_END) - localStart !== localName.length) continue
      if (!this.#source.spells(localStart, localName) || this.#namespaceOf(i) !== namespace) continue
      return this.#valueOf(i)
    }
    return undefined
  }

  /** All of the tag but declarations, in its order, with where each stands. */
  list(): readonly XmlAttribute[] {
    if (this.#count === 0) return NONE
    const { text } = this.#source
    const attributes: XmlAttribute[] = []
    for (let i = 0; i < this.#count; i++) {
      const start = this.#get(i, NAME_START_AT)
      const localStart = this.#get(i, LOCAL_START)
      const nameEnd = this.#get(i, NAME_END)
      const name = text.slice(localStart, nameEnd)
      const prefix = localStart === start ? '' : text.slice(start, localStart - 1)
      if (prefix === 'xmlns' || (prefix === '' && name === 'xmlns')) continue
      const [valueStart, valueEnd] = [this.#get(i, VALUE_START), this.#get(i, VALUE_END)]
      const namespace = this.#namespaceOf(i)
      attributes.push({
        name,
        prefix,
        namespace,
        value: this.#valueOf(i),
        start,
        end: valueEnd + 1,
        valueStart,
        valueEnd,
      })
    }
    return attributes
  }

  /** Calls `need` with each declaration that a prefix leans on. */
  eachBinding(need: (binding: number) => void): void {
    for (let i = 0; i < this.#count; i++) {
      const binding = this.#get(i, BINDING)
      if (binding >= 0) need(binding)
    }
  }

  #readValue(index: number, quoteAt: number): number {
    const source: XmlSource = this.#source
    const { text } = source
    const quote = text.charCodeAt(quoteAt)
    if (quote !== DOUBLE_QUOTE && quote !== SINGLE_QUOTE) source.fail('XML_MALFORMED', 'value without quotes', quoteAt)
    let isPlain = 1
    let at = quoteAt + 1
    for (; text.charCodeAt(at) !== quote; at++) {
      if (at >= text.length) source.fail('XML_MALFORMED', 'value without end', quoteAt)
      const octet = text.charCodeAt(at)
      if ((OCTETS[octet] as number) & PLAIN_VALUE) continue
      if (octet === LESS_THAN) source.fail('XML_MALFORMED', '< in a value', at)
      if (octet === AMPERSAND) at = source.checkReference(at)
      else source.checkChar(at)
      isPlain = 0
    }
    this.#set(index, VALUE_START, quoteAt + 1)
    this.#set(index, VALUE_END, at)
    this.#set(index, IS_PLAIN, isPlain)
    return at
  }

  /** No name appears twice in a tag (XML 1.0 section 3.1). */
  #checkTwice(index: number): void {
    const source: XmlSource = this.#source
    const nameStart = this.#get(index, NAME_START_AT)
    const nameEnd = this.#get(index, NAME_END)
    for (let i = 0; i < index; i++) {
      if (!source.same(this.#get(i, NAME_START_AT), this.#get(i, NAME_END), nameStart, nameEnd)) continue
      source.fail('XML_MALFORMED', 'an attribute appears twice', nameStart)
    }
  }

  /** Nor does an expanded name (Namespaces in XML 1.0 section 6.3). */
  #checkExpandedTwice(): void {
    const source: XmlSource = this.#source
    for (let i = 1; i < this.#count; i++) {
      const uri = this.#namespaceOf(i)
      if (uri === '') continue
      const localStart = this.#get(i, LOCAL_START)
      const nameEnd = this.#get(i, NAME_END)
      for (let j = 0; j < i; j++) {
        if (this.#namespaceOf(j) !== uri) continue
        if (!source.same(this.#get(j, LOCAL_START), this.#get(j, NAME_END), localStart, nameEnd)) continue
        source.fail('XML_NAMESPACE', 'an attribute appears twice under two prefixes', localStart)
      }
    }
  }

  #declare(index: number): void {
    const { text } = this.#source
    const nameStart = this.#get(index, NAME_START_AT)
    if (!this.#source.spells(nameStart, 'xmlns')) return
    const nameEnd = this.#get(index, NAME_END)
    const isDefault = nameEnd - nameStart === 'xmlns'.length
    if (!isDefault && text.charCodeAt(nameStart + 'xmlns'.length) !== COLON) return
    this.#scope.declare(isDefault ? '' : text.slice(nameStart + 6, nameEnd), this.#valueOf(index), nameStart)
  }

  #namespaceOf(index: number): string {
    return this.#scope.uriOf(this.#get(index, BINDING))
  }

  #valueOf(index: number): string {
    const value = this.#source.decoded(this.#get(index, VALUE_START), this.#get(index, VALUE_END))
    return this.#get(index, IS_PLAIN) === 1 ? value : decodeReferences(value.replace(/\r\n|[\t\r\n]/g, ' '))
  }

  #get(attribute: number, field: number): number {
    return this.#rows[attribute * FIELDS + field] as number
  }

  #set(attribute: number, field: number, value: number): void {
    this.#rows[attribute * FIELDS + field] = value
  }
}
