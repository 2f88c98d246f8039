import { ExpressionError } from './errors.ts'
import { classLetters, emptySet, type LetterSet, negate, setOf } from './letter-set.ts'

/** An extended regular expression, read. */
export type ExpressionNode =
  | { readonly kind: 'letter'; readonly set: LetterSet }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence'; readonly nodes: readonly ExpressionNode[] }
  | { readonly kind: 'choice'; readonly nodes: readonly [ExpressionNode, ...ExpressionNode[]] }
  | { readonly kind: 'repeat'; readonly node: ExpressionNode; readonly min: number; readonly max: number }

/** Letters of an expression. Longer than 255 is usual in the field. */
const EXPRESSION_LETTERS_MAX = 1_024
/** RE_DUP_MAX of IEEE 1003.1. */
const REPEAT_MAX = 255
const DEPTH_MAX = 64

/**
 * Reads an extended regular expression. Choice: `\d`, `\w`, `\s` and their negations are taken too, since operators
 * write them; in a bracket expression a backslash is a letter like any other, as the standard has it.
 *
 * @throws ExpressionError
 */
export function parseExpression(text: string, ignoreCase: boolean): ExpressionNode {
  if (text.length > EXPRESSION_LETTERS_MAX) throw new ExpressionError('the expression is too long')
  const reader = new Reader(text, ignoreCase)
  const node = reader.choice(0)
  if (!reader.isAtEnd) throw new ExpressionError(`unexpected ")" at ${reader.position}`)
  return node
}

class Reader {
  readonly #text: string
  readonly #ignoreCase: boolean
  position = 0

  constructor(text: string, ignoreCase: boolean) {
    this.#text = text
    this.#ignoreCase = ignoreCase
  }

  get isAtEnd(): boolean {
    return this.position >= this.#text.length
  }

  choice(depth: number): ExpressionNode {
    if (depth > DEPTH_MAX) throw new ExpressionError('the expression is nested too deeply')
    const first = this.#sequence(depth)
    const others: ExpressionNode[] = []
    while (this.#take('|')) others.push(this.#sequence(depth))
    return others.length > 0 ? { kind: 'choice', nodes: [first, ...others] } : first
  }

  #sequence(depth: number): ExpressionNode {
    const nodes: ExpressionNode[] = []
    while (!this.isAtEnd && this.#peek() !== '|' && this.#peek() !== ')') {
      nodes.push(this.#repeated(this.#atom(depth)))
    }
    return { kind: 'sequence', nodes }
  }

  #repeated(atom: ExpressionNode): ExpressionNode {
    let node = atom
    for (;;) {
      if (this.#take('*')) node = { kind: 'repeat', node, min: 0, max: Number.POSITIVE_INFINITY }
      else if (this.#take('+')) node = { kind: 'repeat', node, min: 1, max: Number.POSITIVE_INFINITY }
      else if (this.#take('?')) node = { kind: 'repeat', node, min: 0, max: 1 }
      else {
        const bounds = this.#bounds()
        if (!bounds) return node
        node = { kind: 'repeat', node, ...bounds }
      }
    }
  }

  #bounds(): { min: number; max: number } | undefined {
    const match = /^\{(\d{1,3})(?:(,)(\d{1,3})?)?\}/.exec(this.#text.slice(this.position, this.position + 9))
    if (!match) return undefined
    const min = Number(match[1])
    const max = match[3] !== undefined ? Number(match[3]) : match[2] ? Number.POSITIVE_INFINITY : min
    if (min > max || min > REPEAT_MAX || (max !== Number.POSITIVE_INFINITY && max > REPEAT_MAX)) {
      throw new ExpressionError(`wrong repetition ${match[0]}`)
    }
    this.position += match[0].length
    return { min, max }
  }

  #atom(depth: number): ExpressionNode {
    const letter = this.#next()
    switch (letter) {
      case '(': {
        if (this.#peek() === '?') throw new ExpressionError('"(?" is none of an extended regular expression')
        const inner = this.choice(depth + 1)
        if (!this.#take(')')) throw new ExpressionError('")" is missing')
        return inner
      }
      case '[':
        return { kind: 'letter', set: this.#bracket() }
      case '.':
        return { kind: 'letter', set: negate(emptySet()) }
      case '^':
        return { kind: 'start' }
      case '$':
        return { kind: 'end' }
      case '\\':
        return { kind: 'letter', set: this.#escape() }
      case '*':
      case '+':
      case '?':
        throw new ExpressionError(`nothing to repeat at ${this.position - 1}`)
      default:
        return { kind: 'letter', set: this.#fold(setOf(letter)) }
    }
  }

  #escape(): LetterSet {
    const letter = this.#next()
    const known = ESCAPES[letter]
    if (known) return known()
    if (/[A-Za-z0-9]/.test(letter)) throw new ExpressionError(`unknown escape \\${letter}`)
    return setOf(letter)
  }

  #bracket(): LetterSet {
    const isNegated = this.#take('^')
    const set = emptySet()
    let isFirst = true
    while (isFirst || this.#peek() !== ']') {
      isFirst = false
      this.#bracketItem(set)
    }
    this.#next()
    const folded = this.#fold(set)
    return isNegated ? negate(folded) : folded
  }

  #bracketItem(set: LetterSet): void {
    const named = /^\[:([a-z]+):\]/.exec(this.#text.slice(this.position, this.position + 16))
    if (named) {
      const letters = classLetters(named[1] ?? '')
      if (!letters) throw new ExpressionError(`unknown class ${named[0]}`)
      for (const [code, has] of letters.entries()) if (has) set[code] = 1
      this.position += named[0].length
      return
    }
    const from = this.#collated()
    const isRange = this.#peek() === '-' && this.#text[this.position + 1] !== ']'
    if (isRange) this.#next()
    const to = isRange ? this.#collated() : from
    if (to < from) throw new ExpressionError('a range that ends before it begins')
    for (let code = from; code <= to && code < set.length; code++) set[code] = 1
  }

  /** One letter of a bracket expression, also written `[.x.]` or `[=x=]`. */
  #collated(): number {
    const named = /^\[([.=])([\s\S])\1\]/.exec(this.#text.slice(this.position, this.position + 5))
    if (named) {
      this.position += named[0].length
      return (named[2] ?? '').charCodeAt(0)
    }
    return this.#next().charCodeAt(0)
  }

  #fold(set: LetterSet): LetterSet {
    if (!this.#ignoreCase) return set
    for (let upper = 65; upper <= 90; upper++) {
      const has = set[upper] === 1 || set[upper + 32] === 1 ? 1 : 0
      set[upper] = has
      set[upper + 32] = has
    }
    return set
  }

  #peek(): string | undefined {
    return this.#text[this.position]
  }

  #take(letter: string): boolean {
    if (this.#peek() !== letter) return false
    this.position++
    return true
  }

  #next(): string {
    const letter = this.#text[this.position++]
    if (letter === undefined) throw new ExpressionError('the expression ends too early')
    return letter
  }
}

const ESCAPES: Readonly<Record<string, () => LetterSet>> = {
  d: () => letters('digit'),
  D: () => negate(letters('digit')),
  w: () => word(),
  W: () => negate(word()),
  s: () => letters('space'),
  S: () => negate(letters('space')),
}

function letters(name: string): LetterSet {
  return classLetters(name) ?? emptySet()
}

function word(): LetterSet {
  const set = letters('alnum')
  set['_'.charCodeAt(0)] = 1
  return set
}
