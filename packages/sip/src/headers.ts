import { isLineText, trimmed } from './chars.ts'
import { SipSyntaxError } from './errors.ts'
import { headerKey, requireHeaderKey, spelledName } from './header-names.ts'
import { elementEnd, splitListInto } from './split-list.ts'

/** One line. */
interface Line {
  /** What it is found by: see `headerKey`. */
  readonly key: string
  /** How its name is written. */
  readonly name: string
  readonly value: string
  /** Where it stands in the head that was read, as `name: value` and CRLF; -1 when it does not stand there like this. */
  readonly start: number
}

/** Colon and blank in front of a value, CRLF behind it. */
const AROUND_VALUE = 4

/** For the parser: the head that lines come from. */
export let startParsed: (headers: SipHeaders, head: string) => void

/** For the parser: a line whose key is known and whose value has been checked. */
export let appendParsed: (headers: SipHeaders, line: Line) => void

/** For the serializer: all lines but Content-Length, as they go out. */
export let writeHeaders: (headers: SipHeaders) => string

/**
 * The header fields of a message, in their order. Names are compared without regard to case, a compact form is its long
 * form. Values are latin1 text, one character an octet, without blanks at the ends and with line folds undone.
 *
 * Content-Length is not among them: the parser has applied it, the serializer writes it.
 */
export class SipHeaders {
  #lines: Line[] = []
  /** The head as it came. */
  #head = ''

  static {
    startParsed = (headers, head) => {
      headers.#head = head
    }
    appendParsed = (headers, line) => {
      headers.#lines.push(line)
    }
    writeHeaders = (headers) => headers.#write()
  }

  /** @throws SipSyntaxError when a name is no token, or a value could not stand on one line of octets. */
  constructor(entries?: Iterable<readonly [string, string]>) {
    if (entries) for (const [name, value] of entries) this.#lines.push(newLine(name, value))
  }

  /** Lines there are. */
  get size(): number {
    return this.#lines.length
  }

  has(name: string): boolean {
    return this.#indexOf(headerKey(name), 0) >= 0
  }

  /** The first line's value, whole: all elements that stand on it. */
  get(name: string): string | undefined {
    return this.#lines[this.#indexOf(headerKey(name), 0)]?.value
  }

  /** Each line's value. */
  getAll(name: string): string[] {
    const key = headerKey(name)
    const found: string[] = []
    for (const line of this.#lines) if (line.key === key) found.push(line.value)
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
    const key = headerKey(name)
    const elements: string[] = []
    for (let at = this.#indexOf(key, 0); at >= 0; at = this.#indexOf(key, at + 1)) {
      splitListInto(elements, name, this.#lines[at]?.value ?? '')
    }
    return elements
  }

  /** The first name out of `bits` that has more than one line; each there has a bit of its own. */
  firstRepeated(bits: ReadonlyMap<string, number>): string | undefined {
    let seen = 0
    for (const { key } of this.#lines) {
      const bit = bits.get(key)
      if (bit === undefined) continue
      if (seen & bit) return key
      seen |= bit
    }
    return undefined
  }

  /** Replaces all lines of that name by one, in the place of the first. */
  set(name: string, value: string): void {
    const line = newLine(name, value)
    const at = this.#indexOf(line.key, 0)
    if (at < 0) this.#lines.push(line)
    else if (this.#indexOf(line.key, at + 1) >= 0) this.setAll(name, [value])
    else this.#lines[at] = line
  }

  /** Replaces all lines of that name, from the place of the first on. */
  setAll(name: string, values: readonly string[]): void {
    const lines = values.map((value) => newLine(name, value))
    const first = this.#indexOf(requireHeaderKey(name), 0)
    this.remove(name)
    this.#lines.splice(first < 0 ? this.#lines.length : first, 0, ...lines)
  }

  /** Adds a line behind the last of that name, else at the end. */
  add(name: string, value: string): void {
    const line = newLine(name, value)
    const last = this.#lines.findLastIndex(({ key }) => key === line.key)
    if (last < 0) this.#lines.push(line)
    else this.#lines.splice(last + 1, 0, line)
  }

  /** Adds a line before the first of that name, else at the top. */
  prepend(name: string, value: string): void {
    const line = newLine(name, value)
    this.#lines.splice(Math.max(0, this.#indexOf(line.key, 0)), 0, line)
  }

  /**
   * Takes the first element of that name away and returns it: the topmost Via or Route, also where several stand on a
   * line.
   */
  removeFirst(name: string): string | undefined {
    const at = this.#indexOf(headerKey(name), 0)
    const line = this.#lines[at]
    if (!line) return undefined
    const { value } = line
    const end = elementEnd(value, 0)
    if (end === value.length) {
      this.#lines.splice(at, 1)
      return value
    }
    this.#lines[at] = { ...line, value: trimmed(value, end + 1, value.length), start: -1 }
    return trimmed(value, 0, end)
  }

  remove(name: string): void {
    const key = headerKey(name)
    if (this.#indexOf(key, 0) >= 0) this.#lines = this.#lines.filter((line) => line.key !== key)
  }

  /** The same of many names at once: those of `headerKeys`. */
  removeEach(keys: ReadonlySet<string>): void {
    if (this.#lines.some(({ key }) => keys.has(key))) this.#lines = this.#lines.filter(({ key }) => !keys.has(key))
  }

  /** Names and values in order. Names that the standard knows are in its long form and spelling. */
  *entries(): Generator<readonly [string, string]> {
    for (const { name, value } of this.#lines) yield [name, value]
  }

  clone(): SipHeaders {
    const copy = new SipHeaders()
    copy.#lines = this.#lines.slice()
    copy.#head = this.#head
    return copy
  }

  #indexOf(key: string, from: number): number {
    for (let at = from; at < this.#lines.length; at++) if (this.#lines[at]?.key === key) return at
    return -1
  }

  /** What nobody has touched goes out in one piece with its neighbours, as it came. */
  #write(): string {
    let text = ''
    let start = 0
    let end = 0
    for (const line of this.#lines) {
      if (line.start < 0 || line.start !== end) {
        text += this.#head.slice(start, end)
        start = line.start
        end = line.start
      }
      if (line.start >= 0) end += line.name.length + line.value.length + AROUND_VALUE
      else if (line.key !== 'Content-Length') text += `${line.name}: ${line.value}\r\n`
    }
    return text + this.#head.slice(start, end)
  }
}

/** What header fields of these names are found by, made once for who looks for them in each message. */
export function headerKeys(names: readonly string[]): ReadonlySet<string> {
  return new Set(names.map(headerKey))
}

function newLine(name: string, value: string): Line {
  const key = requireHeaderKey(name)
  checkValue(name, value)
  return { key, name: spelledName(key, name), value, start: -1 }
}

function checkValue(name: string, value: string): void {
  // guard: header-line — a line break would be a header of somebody's choice, and so would U+010A after its upper octet
  if (!isLineText(value)) throw new SipSyntaxError(name, 'has a line break or a character beyond one octet')
}
