import { assertNever } from '@rollcall/core'
import { ExpressionError } from './errors.ts'
import { type ExpressionNode, parseExpression } from './expression-syntax.ts'

/** States of one compiled expression; repetition counts multiply, so that the text's length alone is no bound. */
const STATES_MAX = 4_000

/** One step of the automaton. `next` and `other` are indexes. */
type State =
  | { readonly kind: 'letter'; readonly set: Uint8Array; next: number }
  | { readonly kind: 'fork'; next: number; other: number }
  | { readonly kind: 'start' | 'end'; next: number }
  | { readonly kind: 'match' }

/**
 * An extended regular expression (IEEE 1003.1 chapter 9), as service point triggers hold them.
 *
 * It is run as an automaton, all alternatives side by side, in time linear in the text: the expression is an operator's,
 * the text a stranger's, and a backtracking engine would let the stranger choose the time.
 */
export class Expression {
  readonly #states: State[] = []
  readonly #entry: number

  /** @throws ExpressionError */
  constructor(text: string, options: { readonly ignoreCase: boolean }) {
    const node = parseExpression(text, options.ignoreCase)
    this.#entry = this.#build(node, this.#push({ kind: 'match' }))
  }

  /** Whether the expression matches somewhere in `text`. */
  test(text: string): boolean {
    return this.#run(text, false)
  }

  /** Whether the expression matches `text` as a whole. */
  testWhole(text: string): boolean {
    return this.#run(text, true)
  }

  #run(text: string, isWhole: boolean): boolean {
    const walk = new Walk(this.#states, text.length)
    let current: number[] = []
    for (let position = 0; position <= text.length; position++) {
      if (position === 0 || !isWhole) walk.follow(this.#entry, position, current)
      if (walk.sawMatch && (!isWhole || position === text.length)) return true
      const next: number[] = []
      walk.begin()
      const letter = text.charCodeAt(position)
      for (const index of current) {
        const state = this.#states[index]
        if (state?.kind === 'letter' && state.set[letter] === 1) walk.follow(state.next, position + 1, next)
      }
      current = next
    }
    return false
  }

  /** Builds backwards: gives the state that runs `node` and then goes on at `next`. */
  #build(node: ExpressionNode, next: number): number {
    switch (node.kind) {
      case 'letter':
        return this.#push({ kind: 'letter', set: node.set, next })
      case 'start':
      case 'end':
        return this.#push({ kind: node.kind, next })
      case 'sequence':
        return node.nodes.reduceRight((after, part) => this.#build(part, after), next)
      case 'choice':
        return node.nodes
          .map((part) => this.#build(part, next))
          .reduceRight((other, entry) => this.#push({ kind: 'fork', next: entry, other }))
      case 'repeat':
        return this.#buildRepeat(node.node, node.min, node.max, next)
      default:
        return assertNever(node)
    }
  }

  #buildRepeat(node: ExpressionNode, min: number, max: number, next: number): number {
    let entry = next
    if (max === Number.POSITIVE_INFINITY) {
      const loop: State = { kind: 'fork', next: 0, other: next }
      entry = this.#push(loop)
      loop.next = this.#build(node, entry)
    } else {
      for (let count = min; count < max; count++) {
        entry = this.#push({ kind: 'fork', next: this.#build(node, entry), other: next })
      }
    }
    for (let count = 0; count < min; count++) entry = this.#build(node, entry)
    return entry
  }

  #push(state: State): number {
    if (this.#states.length >= STATES_MAX) throw new ExpressionError('the expression is too large')
    this.#states.push(state)
    return this.#states.length - 1
  }
}

/** Follows the steps that take no letter, each state once a position. */
class Walk {
  readonly #states: readonly State[]
  readonly #textLength: number
  readonly #seen: Uint32Array
  #round = 1
  sawMatch = false

  constructor(states: readonly State[], textLength: number) {
    this.#states = states
    this.#textLength = textLength
    this.#seen = new Uint32Array(states.length)
  }

  /** Begins a new position. */
  begin(): void {
    this.#round++
    this.sawMatch = false
  }

  /** Adds to `into` every state that waits for a letter and is reached from `entry` at `position`. */
  follow(entry: number, position: number, into: number[]): void {
    const stack = [entry]
    for (let index = stack.pop(); index !== undefined; index = stack.pop()) {
      const state = this.#states[index]
      if (!state || this.#seen[index] === this.#round) continue
      this.#seen[index] = this.#round
      if (state.kind === 'letter') into.push(index)
      else if (state.kind === 'match') this.sawMatch = true
      else if (state.kind === 'fork') stack.push(state.other, state.next)
      else if (position === (state.kind === 'start' ? 0 : this.#textLength)) stack.push(state.next)
    }
  }
}
