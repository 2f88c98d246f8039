import { isLineText, trimmed } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { headerKey, requireHeaderKey, spelledName } from './header-names.ts'
import { elementEnd, splitListInto } from './split-list.ts'

/** For the parser: a line whose key is known and whose value has been checked. */
export let appendParsed: (headers: SipHeaders, key: string, name: string, value: string) => void

/** For the serializer: all lines but Content-Length, as they go out. */
export let writeHeaders: (headers: SipHeaders) => string

/**
 * The header fields of a message, in their order. Names are compared without regard to case, a compact form is its long
 * form. Values are latin1 text, one character an octet, without blanks at the ends and with line folds undone.
 *
 * Content-Length is not among them: the parser has applied it, the serializer writes it.
 */
export class SipHeaders {
  /** What each line is found by: see `headerKey`. */
  #keys: string[] = []
  /** How each line's name is written. */
  #names: string[] = []
  #values: string[] = []

  static {
    appendParsed = (headers, key, name, value) => {
      headers.#keys.push(key)
      headers.#names.push(name)
      headers.#values.push(value)
    }
    writeHeaders = (headers) => {
      let text = ''
      for (let at = 0; at < headers.#names.length; at++) {
        if (headers.#keys[at] !== 'Content-Length') text += `${headers.#names[at]}: ${headers.#values[at]}\r\n`
      }
      return text
    }
  }

  /** @throws SipSyntaxError when a name is no token, or a value could not stand on one line of octets. */
  constructor(entries?: Iterable<readonly [string, string]>) {
    if (entries) for (const [name, value] of entries) this.#insert(this.#keys.length, name, value)
  }

  /** Lines there are. */
  get size(): number {
    return this.#keys.length
  }

  has(name: string): boolean {
    return this.#keys.includes(headerKey(name))
  }

  /** The first line's value, whole: all elements that stand on it. */
  get(name: string): string | undefined {
    const at = this.#keys.indexOf(headerKey(name))
    return at < 0 ? undefined : this.#values[at]
  }

  /** Each line's value. */
  getAll(name: string): string[] {
    const key = headerKey(name)
    const found: string[] = []
    for (let at = this.#keys.indexOf(key); at >= 0; at = this.#keys.indexOf(key, at + 1)) {
      found.push(this.#values[at] as string)
    }
    return found
  }

  /**
   * The elements of all lines, split at the commas between them (not those in quotes or angle brackets).
   *
   * @NOTE Not for Authorization, WWW-Authenticate and their kin, whose parameters have commas between them.
   * @throws SipSyntaxError for an empty element or too many of them.
   * @see RFC 3261 section 7.3.1
   */
  list(name: string): string[] {
    const elements: string[] = []
    const key = headerKey(name)
    for (let at = this.#keys.indexOf(key); at >= 0; at = this.#keys.indexOf(key, at + 1)) {
      splitListInto(elements, name, this.#values[at] as string)
    }
    return elements
  }

  /** The first of `names`, at most 32 in their long form, that has more than one line. */
  firstRepeated(names: readonly string[]): string | undefined {
    let seen = 0
    for (const key of this.#keys) {
      const at = names.indexOf(key)
      if (at < 0) continue
      if (seen & (1 << at)) return key
      seen |= 1 << at
    }
    return undefined
  }

  /** Replaces all lines of that name by one, in the place of the first. */
  set(name: string, value: string): void {
    const key = headerKey(name)
    const at = this.#keys.indexOf(key)
    if (at < 0 || this.#keys.lastIndexOf(key) !== at) {
      this.setAll(name, [value])
      return
    }
    checkValue(name, value)
    this.#values[at] = value
  }

  /** Replaces all lines of that name, from the place of the first on. */
  setAll(name: string, values: readonly string[]): void {
    const first = this.#keys.indexOf(requireHeaderKey(name))
    for (const value of values) checkValue(name, value)
    this.remove(name)
    let at = first < 0 ? this.#keys.length : first
    for (const value of values) this.#insert(at++, name, value)
  }

  /** Adds a line behind the last of that name, else at the end. */
  add(name: string, value: string): void {
    const last = this.#keys.lastIndexOf(headerKey(name))
    this.#insert(last < 0 ? this.#keys.length : last + 1, name, value)
  }

  /** Adds a line before the first of that name, else at the top. */
  prepend(name: string, value: string): void {
    this.#insert(Math.max(0, this.#keys.indexOf(headerKey(name))), name, value)
  }

  /**
   * Takes the first element of that name away and returns it: the topmost Via or Route, also where several stand on a
   * line.
   */
  removeFirst(name: string): string | undefined {
    const at = this.#keys.indexOf(headerKey(name))
    if (at < 0) return undefined
    const value = this.#values[at] as string
    const end = elementEnd(value, 0)
    if (end === value.length) {
      this.#removeAt(at)
      return value
    }
    this.#values[at] = trimmed(value, end + 1, value.length)
    return trimmed(value, 0, end)
  }

  remove(name: string): void {
    const key = headerKey(name)
    for (let at = this.#keys.indexOf(key); at >= 0; at = this.#keys.indexOf(key, at)) this.#removeAt(at)
  }

  /** Names and values in order. Names that the standard knows are in its long form and spelling. */
  *entries(): Generator<readonly [string, string]> {
    for (let at = 0; at < this.#names.length; at++) yield [this.#names[at] as string, this.#values[at] as string]
  }

  clone(): SipHeaders {
    const copy = new SipHeaders()
    copy.#keys = this.#keys.slice()
    copy.#names = this.#names.slice()
    copy.#values = this.#values.slice()
    return copy
  }

  #insert(at: number, name: string, value: string): void {
    const key = requireHeaderKey(name)
    checkValue(name, value)
    const spelled = spelledName(key, name)
    if (at === this.#keys.length) {
      this.#keys.push(key)
      this.#names.push(spelled)
      this.#values.push(value)
      return
    }
    this.#keys.splice(at, 0, key)
    this.#names.splice(at, 0, spelled)
    this.#values.splice(at, 0, value)
  }

  #removeAt(at: number): void {
    this.#keys.splice(at, 1)
    this.#names.splice(at, 1)
    this.#values.splice(at, 1)
  }
}

function checkValue(name: string, value: string): void {
  // A line break here would be a header of somebody's choice on the wire, and so would U+010A after its upper octet.
  if (!isLineText(value)) throw new SipSyntaxError(name, 'has a line break or a character beyond one octet')
}
