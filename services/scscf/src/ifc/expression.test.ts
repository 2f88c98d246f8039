import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ExpressionError } from './errors.ts'
import { Expression } from './expression.ts'

const SEED = 33_141

function search(expression: string, text: string): boolean {
  return new Expression(expression, { ignoreCase: false }).test(text)
}

test('an extended regular expression means what IEEE 1003.1 chapter 9 says (TS 29.228 annex F)', () => {
  const rows: [string, string, boolean][] = [
    ['presence', 'presence.winfo', true],
    ['^presence$', 'presence.winfo', false],
    ['^presence(\\.winfo)?$', 'presence.winfo', true],
    ['^presence(\\.winfo)?(;.*)?$', 'presence;id=4', true],
    ['a|b|', '', true],
    ['^(a|bc)+$', 'abcabca', true],
    ['^(a|bc)+$', 'abcab', false],
    ['^a{2,3}$', 'aaaa', false],
    ['^a{2,}$', 'aaaa', true],
    ['^a{2}$', 'aa', true],
    ['a{x', 'a{x', true],
    ['^[[:digit:]]+$', '0123', true],
    ['^[^[:space:]@]+@', 'alice@', true],
    ['^[]a-]+$', ']-a', true],
    ['^[\\.]$', '\\', true],
    ['^[[.-.]x]$', '-', true],
    ['^\\d+\\.\\d+$', '1.5', true],
    ['^.$', '\n', true],
    ['$^', '', true],
    ['x*', '', true],
    ['(a*)*b', 'aaab', true],
    ['ä', 'xäx', true],
  ]
  for (const [expression, text, expected] of rows) assert.equal(search(expression, text), expected, expression)
})

test('what is no expression is refused, and nothing else happens', () => {
  const wrong = ['(', ')', 'a)', '[', '[a', '*a', '+', '(?:a)', 'a{3,2}', 'a{256}', '\\', '\\q', '[[:nope:]]', '[z-a]']
  for (const text of wrong) assert.throws(() => search(text, ''), ExpressionError, text)
  assert.throws(() => search('x'.repeat(1_025), ''), ExpressionError)
  assert.throws(() => search('(((x{99}){99}){99})', ''), ExpressionError)
})

test('an expression longer than 255 octets is taken (a known mistake of other stacks)', () => {
  assert.ok(search(`^(${'a'.repeat(300)}|presence)$`, 'presence'))
})

test('letters fold when asked, in classes and ranges as well', () => {
  const folded = new Expression('^[a-c]X$', { ignoreCase: true })
  assert.ok(folded.test('Bx'))
  assert.ok(!folded.test('dx'))
})

test('a match as a whole needs both ends', () => {
  const expression = new Expression('To|Event', { ignoreCase: true })
  assert.ok(expression.testWhole('event'))
  assert.ok(!expression.testWhole('History-Info'))
  assert.ok(!expression.testWhole('Toto'))
})

test('a hostile text costs time in proportion to its length', () => {
  const expression = new Expression('^(a+)+$', { ignoreCase: false })
  const startMs = performance.now()
  assert.ok(!expression.test(`${'a'.repeat(4_000)}!`))
  assert.ok(performance.now() - startMs < 1_000)
})

test('agrees with the engine of the language wherever both know the syntax', () => {
  const letter = fc.constantFrom('a', 'b', '.', '[ab]', '[^a]', '\\.')
  const atom = fc.letrec<{ node: string }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      letter,
      fc.tuple(tie('node'), tie('node')).map(([one, other]) => `${one}${other}`),
      fc.tuple(tie('node'), tie('node')).map(([one, other]) => `(${one}|${other})`),
      fc.tuple(tie('node'), fc.constantFrom('*', '+', '?', '{1,2}')).map(([one, times]) => `(${one})${times}`),
    ),
  })).node
  const texts = fc.string({ unit: fc.constantFrom('a', 'b', '.', 'c'), maxLength: 8 })
  fc.assert(
    fc.property(atom, texts, fc.boolean(), (expression, text, isWhole) => {
      const whole = isWhole ? `^(${expression})$` : expression
      assert.equal(search(whole, text), new RegExp(whole, 's').test(text))
      assert.equal(
        new Expression(expression, { ignoreCase: false }).testWhole(text),
        new RegExp(`^(?:${expression})$`, 's').test(text),
      )
    }),
    { seed: SEED, numRuns: 500 },
  )
})
