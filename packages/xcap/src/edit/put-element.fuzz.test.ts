import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseXml, type XmlElement } from '@rollcall/xml'
import fc from 'fast-check'
import { ANY, anyUsage, Shelf } from '../testing/harness.ts'
import { DOCUMENT_LIMITS } from '../usage.ts'
import { PRESENCE_RULES_USAGE } from '../usages/presence-rules.ts'

const blank = fc.constantFrom('', ' ', '\r\n  ', '<!-- c -->', 'x&amp;', '<![CDATA[<]]>')
const start = fc.constantFrom('a', 'a i="1"', 'b xmlns:q="urn:q" q:i="é"', 'c xmlns="urn:other"', 'a i=\'&#9;2\'  j=""')

function elementOf(levels: number): fc.Arbitrary<string> {
  const child = levels > 1 ? elementOf(levels - 1) : fc.constantFrom('<a/>', '<b i="1"/>', '<c ></c >')
  return fc.tuple(start, fc.array(fc.tuple(blank, child), { maxLength: 3 }), blank).map(([tag, children, end]) => {
    const inner = children.flat().join('') + end
    return inner === '' ? `<${tag}/>` : `<${tag}>${inner}</${tag.charAt(0)}>`
  })
}
const step = fc
  .tuple(fc.constantFrom('a', 'b', '*'), fc.option(fc.integer({ min: 1, max: 4 })))
  .map(([tag, at]) => `${tag}${at === null ? '' : `[${at}]`}`)
const node = fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => `root/${steps.join('/')}`)

/** A tree without its way back up, which would make it endless. */
const plain = (element: XmlElement): unknown => ({
  ...element,
  parent: element.parent?.start,
  children: element.children.map((child) => (child.kind === 'element' ? plain(child) : child)),
})

test('the tree that goes with a changed document is the one that reading it gives, places and all', () => {
  let puts = 0
  fc.assert(
    fc.property(elementOf(3), elementOf(3), blank, node, elementOf(2), (one, other, between, selector, body) => {
      const shelf = new Shelf(
        anyUsage,
        `<?xml version="1.0"?>\n<root xmlns="${ANY}">${one}${between}${other}</root><!-- end -->`,
      )
      const outcome = shelf.ask('PUT', selector, { body })
      if (outcome.kind !== 'write' || !outcome.document || !outcome.root) return
      puts++
      assert.deepEqual(plain(outcome.root), plain(parseXml(outcome.document.octets, DOCUMENT_LIMITS)))
    }),
    { seed: 8, numRuns: 10_000 },
  )
  assert.ok(puts > 1_000, `${puts} were put`)
})

test('what is too deep, too wide or too much declared all together is refused, wherever it is put', () => {
  const deep = `${'<a>'.repeat(60)}${'</a>'.repeat(60)}`
  const put = (text: string, selector: string, body: string): string => new Shelf(anyUsage, text).put(selector, body)
  const root = (inner: string): string => `<root xmlns="${ANY}">${inner}</root>`
  const inside = `root${'/a'.repeat(60)}`
  assert.equal(put(root(deep), `${inside}/b`, '<b/>'), '201')
  assert.equal(put(root(deep), `${inside}/b`, '<b><b><b/></b></b>'), '201')
  assert.equal(put(root(deep), `${inside}/b`, '<b><b><b><b/></b></b></b>'), '409 constraint-failure')
  const declaring = (count: number, name: string): string =>
    `<${name} ${Array.from({ length: count }, (_, i) => `xmlns:p${i}="urn:p"`).join(' ')}>`
  const around = root(`${declaring(30, 'a')}${declaring(30, 'a')}<b/></a></a>`)
  const few = `${declaring(3, 'b')}</b>`
  assert.equal(put(around, 'root/a/a/b', few), '200')
  assert.equal(
    put(around, 'root/a/a/b', `${few.slice(0, -4)}<b/>${few.replace('xmlns:p0="urn:p"', '')}</b>`),
    '409 constraint-failure',
  )
  const side = '<b xmlns:p="urn:p"/>'
  assert.equal(
    put(around, 'root/a/a/b', `<b>${side.repeat(10)}</b>`),
    '200',
    'one after the other they are not too many',
  )
  assert.equal(put(root('x'.repeat(65_000)), 'root/b', `<b>${'x'.repeat(600)}</b>`), '409 constraint-failure')
})

test('of a change only what changed is checked, and that wherever it is', () => {
  const CP = 'urn:ietf:params:xml:ns:common-policy'
  const rule = (id: string, inner = ''): string => `<cp:rule id="${id}">${inner}</cp:rule>`
  const text = `<cp:ruleset xmlns:cp="${CP}" xmlns="urn:ietf:params:xml:ns:pres-rules">${rule('a')}${rule('b', '<cp:actions/>')}</cp:ruleset>`
  const query = `?xmlns(cp=${CP})`
  const rows: readonly (readonly [node: string, body: string, expected: string])[] = [
    ['cp:rule[2]/cp:actions', '<cp:actions><sub-handling>allow</sub-handling></cp:actions>', '200'],
    [
      'cp:rule[2]/cp:actions',
      '<cp:actions><sub-handling>perhaps</sub-handling></cp:actions>',
      '409 schema-validation-error',
    ],
    ['cp:rule[2]/cp:actions/sub-handling', '<sub-handling>allow</sub-handling>', '201'],
    ['cp:rule[2]/cp:actions/unknown', '<unknown/>', '409 schema-validation-error'],
    ['cp:rule[2]/cp:actions/x:any?', '<x:any xmlns:x="urn:x"/>', '201'],
    ['cp:rule[2]/cp:conditions', '<cp:conditions/>', '409 schema-validation-error'],
    ['cp:rule[2]/*[1][@x="1"]', '<cp:conditions x="1"/>', '409 schema-validation-error'],
    ['cp:rule[3]', rule('b'), '409 schema-validation-error'],
    ['cp:rule[3]', rule('c'), '201'],
    ['cp:rule[1]', rule('1'), '409 schema-validation-error'],
    ['other', '<other/>', '409 schema-validation-error'],
  ]
  for (const [node, body, expected] of rows) {
    const own = node.endsWith('?')
      ? `cp:ruleset/${node.slice(0, -1)}${query}xmlns(x=urn:x)`
      : `cp:ruleset/${node}${query}`
    assert.equal(new Shelf(PRESENCE_RULES_USAGE, text).put(own, body), expected, `${node} ${body}`)
  }
})
