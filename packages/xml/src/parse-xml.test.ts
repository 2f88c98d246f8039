import assert from 'node:assert/strict'
import { test } from 'node:test'
import { XmlError } from './errors.ts'
import { parseXml } from './parse-xml.ts'
import { childElements, textOf } from './tree.ts'

const LIMITS = { bytesMax: 65_536, attributesMax: 32, bindingsMax: 32 }

test('a tree knows names, namespaces and text, and where each part stands', () => {
  const octets = Buffer.from(
    '<?xml version="1.0"?>\n<a xmlns="u" xmlns:p="v"><!-- c --><p:b id="1" p:x=\'é&amp;\'/>t&lt;<c>d</c></a>',
  )
  const root = parseXml(octets, LIMITS)
  assert.deepEqual([root.name, root.prefix, root.namespace], ['a', '', 'u'])
  assert.deepEqual(root.declarations, [
    { prefix: '', uri: 'u' },
    { prefix: 'p', uri: 'v' },
  ])
  const [b, c] = childElements(root)
  assert.ok(b && c)
  const cut = ({ start, end }: { start: number; end: number }): string => octets.toString('utf8', start, end)
  assert.equal(cut(b), '<p:b id="1" p:x=\'é&amp;\'/>')
  assert.deepEqual([b.name, b.prefix, b.namespace, b.contentStart, b.contentEnd], ['b', 'p', 'v', b.end, b.end])
  assert.deepEqual(
    b.attributes.map((one) => [one.name, one.prefix, one.namespace, one.value, cut(one)]),
    [
      ['id', '', '', '1', 'id="1"'],
      ['x', 'p', 'v', 'é&', "p:x='é&amp;'"],
    ],
  )
  assert.equal(octets.toString('utf8', c.contentStart, c.contentEnd), 'd')
  assert.equal(cut(c), '<c>d</c>')
  assert.equal(textOf(root), 't<')
  assert.equal(c.parent, root)
  assert.equal(root.end, octets.length)
})

test('an element of another document leans on what is declared around it', () => {
  const element = parseXml(Buffer.from('<p:b/>'), LIMITS, [{ prefix: 'p', uri: 'v' }])
  assert.equal(element.namespace, 'v')
  assert.throws(() => parseXml(Buffer.from('<p:b/>'), LIMITS), XmlError)
})

test('what the scanner refuses is refused: DOCTYPE, two roots, none, too deep', () => {
  for (const text of ['<!DOCTYPE a><a/>', '<a/><b/>', '', `${'<a>'.repeat(65)}${'</a>'.repeat(65)}`, '<a>&lol;</a>']) {
    assert.throws(() => parseXml(Buffer.from(text), LIMITS), XmlError, text.slice(0, 20))
  }
})
