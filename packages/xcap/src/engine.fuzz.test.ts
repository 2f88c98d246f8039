import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import fc from 'fast-check'
import { ANY, anyUsage, Shelf, spoken } from './testing/harness.ts'

const name = fc.constantFrom('a', 'b', 'c')
const value = fc.constantFrom('1', '2', 'x y', '&lt;', 'é')
const blank = fc.constantFrom('', ' ', '\n  ', '<!-- c -->')

/** An element with some below it, as text; `levels` deep. */
function elementOf(levels: number): fc.Arbitrary<string> {
  const child = levels > 1 ? elementOf(levels - 1) : fc.constantFrom('<a/>', '<b id="1"/>')
  return fc
    .tuple(name, fc.option(value), fc.array(fc.tuple(blank, child), { maxLength: 3 }), blank)
    .map(([tag, id, children, end]) => {
      const start = id === null ? tag : `${tag} id="${id}"`
      const inner = children.map(([before, one]) => before + one).join('') + end
      return inner === '' ? `<${start}/>` : `<${start}>${inner}</${tag}>`
    })
}
const element = elementOf(3)

const step = fc
  .tuple(
    fc.constantFrom('a', 'b', 'c', '*'),
    fc.option(fc.integer({ min: 0, max: 4 })),
    fc.option(fc.constantFrom('1', '2', 'x y')),
  )
  .map(([tag, at, id]) => `${tag}${at === null ? '' : `[${at}]`}${id === null ? '' : `[@id="${id}"]`}`)
const node = fc.array(step, { minLength: 1, maxLength: 3 }).map((steps) => `root/${steps.join('/')}`)

test('what was put is what a GET gives, putting it again changes nothing, and a failure changes nothing', () => {
  fc.assert(
    fc.property(element, node, element, (inner, selector, body) => {
      const shelf = new Shelf(anyUsage, `<root xmlns="${ANY}">${inner}</root>`)
      const before = shelf.text
      const outcome = shelf.put(selector, body)
      if (outcome !== '200' && outcome !== '201') {
        assert.match(outcome, /^409 (?:no-parent|cannot-insert)$/)
        assert.equal(shelf.text, before)
        return
      }
      assert.equal(shelf.get(selector), body)
      const after = shelf.text
      assert.equal(shelf.put(selector, body), '200')
      assert.equal(shelf.text, after)
    }),
    { seed: 4825, numRuns: 1_500 },
  )
})

test('what was deleted is not there, and all other octets are', () => {
  fc.assert(
    fc.property(element, node, (inner, selector) => {
      const shelf = new Shelf(anyUsage, `<root xmlns="${ANY}">${inner}</root>`)
      const before = shelf.text ?? ''
      const found = shelf.get(selector)
      const outcome = shelf.delete(selector)
      if (outcome !== '200') {
        assert.equal(shelf.text, before)
        return
      }
      assert.equal(shelf.get(selector), 404)
      assert.ok(typeof found === 'string')
      const after = shelf.text ?? ''
      assert.equal(after.length, before.length - found.length)
      const at = [...before].findIndex(
        (_, i) => before.startsWith(found, i) && before.slice(0, i) + before.slice(i + found.length) === after,
      )
      assert.ok(at >= 0, 'one element is cut out, and nothing else')
    }),
    { seed: 4826, numRuns: 1_500 },
  )
})

test('any octets are taken or refused by a condition of RFC 4825 section 11.1', () => {
  const document = Buffer.from(`<?xml version="1.0"?><root xmlns="${ANY}"><a id="1">t&amp;<b/></a></root>`)
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(document.length - 1), fc.nat(255)), { maxLength: 4 }),
      fc.constantFrom(undefined, 'root/a', 'root/a/@id'),
      (mutations, selector) => {
        const body = Buffer.from(selector === undefined ? document : '<a id="1">x</a>')
        for (const [at, octet] of mutations) body[at % body.length] = octet
        const outcome = spoken(new Shelf(anyUsage, document.toString()).ask('PUT', selector, { body }))
        assert.match(outcome, /^(?:20[01]|409 [a-z0-9-]+)$/)
      },
    ),
    { seed: 4827, numRuns: 3_000 },
  )
})

test('what is made to be expensive is refused soon: entities in entities, external ones, depth, width, long values', () => {
  const lol = Array.from({ length: 9 }, (_, i) => `<!ENTITY l${i + 1} "${`&l${i};`.repeat(10)}">`).join('')
  const bodies = [
    `<!DOCTYPE root [<!ENTITY l0 "lol">${lol}]><root xmlns="${ANY}">&l9;</root>`,
    `<!DOCTYPE root [<!ENTITY x SYSTEM "file:///etc/passwd">]><root xmlns="${ANY}">&x;</root>`,
    `<root xmlns="${ANY}">${'<a>'.repeat(9_000)}${'</a>'.repeat(9_000)}</root>`,
    `<root xmlns="${ANY}" ${Array.from({ length: 5_000 }, (_, i) => `a${i}=""`).join(' ')}/>`,
  ]
  const sinceMs = performance.now()
  for (const body of bodies) assert.equal(new Shelf(anyUsage).put(undefined, body), '409 constraint-failure')
  assert.equal(new Shelf(anyUsage).put(undefined, `<root xmlns="${ANY}" a="${'x'.repeat(60_000)}"/>`), '201')
  const wide = new Shelf(anyUsage, `<root xmlns="${ANY}">${'<a/>'.repeat(15_000)}</root>`)
  assert.equal(wide.get('root/*/*/*/*'), 404)
  assert.equal(wide.put('root/a[15001]', '<a/>'), '201')
  assert.ok(performance.now() - sinceMs < 5_000)
})
