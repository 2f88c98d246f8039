import assert from 'node:assert/strict'
import test from 'node:test'
import { parseImpu } from '@rollcall/core'
import fc from 'fast-check'
import { XcapSelectorError } from './errors.ts'
import { attributeTest, nodeSelector, selectorPath, userDocument } from './xcap-selector.ts'

const ALICE = parseImpu('sip:alice@home.example')
const TEL = parseImpu('tel:+15550100')

test('a selector as a person writes it becomes the path of a URI (RFC 4825 section 6)', () => {
  const paths: [string, string][] = [
    ['pres-rules/users/sip:bob@home.example/index', 'pres-rules/users/sip:bob@home.example/index'],
    ['/pres-rules/index', 'pres-rules/users/sip:alice@home.example/index'],
    ['xcap-caps/global/index', 'xcap-caps/global/index'],
    [
      'resource-lists/index/~~/resource-lists/list[@name="my friends"]/entry[2]',
      'resource-lists/users/sip:alice@home.example/index/~~/resource-lists/list%5B@name=%22my%20friends%22%5D/entry%5B2%5D',
    ],
    [
      'pres-rules/index/~~/cp:ruleset?xmlns(cp=urn:x)',
      'pres-rules/users/sip:alice@home.example/index/~~/cp:ruleset?xmlns(cp=urn:x)',
    ],
    ['pres-rules/index/~~/a%5B1%5D', 'pres-rules/users/sip:alice@home.example/index/~~/a%5B1%5D'],
  ]
  for (const [text, path] of paths) assert.equal(selectorPath(text, ALICE), path)
  assert.equal(selectorPath('pres-rules/index', TEL), 'pres-rules/users/tel:+15550100/index')
})

test('what names no document is told (RFC 4825 section 6.2)', () => {
  for (const text of [
    '',
    '/',
    'pres-rules',
    'pres-rules/',
    'pres-rules/users',
    'pres-rules/users/',
    'pres-rules/users/x',
    'x/global',
    '../x/y',
    'a b/index',
  ]) {
    assert.throws(() => selectorPath(text, ALICE), XcapSelectorError, text)
  }
  assert.throws(() => selectorPath(`pres-rules/${'x'.repeat(5_000)}`, ALICE), XcapSelectorError)
})

test('a URI parser finds a node selector again, whatever stands in an attribute (RFC 4825 sections 6.1 and 6.3)', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (value) => {
      fc.pre(value.isWellFormed() && !/[\uFFFE\uFFFF]/.test(value))
      const selector = nodeSelector(
        userDocument('pres-rules', ALICE, 'index'),
        ['cp:ruleset', `cp:rule${attributeTest('id', value)}`],
        {
          cp: 'urn:ietf:params:xml:ns:common-policy',
        },
      )
      const url = new URL(`https://xcap.home.example/${selector}`)
      const [document, node, ...more] = url.pathname.split('/~~/')
      assert.equal(more.length, 0)
      assert.equal(document, '/pres-rules/users/sip:alice@home.example/index')
      assert.equal(decodeURIComponent(url.search), '?xmlns(cp=urn:ietf:params:xml:ns:common-policy)')
      const text = decodeURIComponent(node ?? '')
      const [, quoted = ''] = /^cp:ruleset\/cp:rule\[@id="([^"<]*)"\]$/s.exec(text) ?? []
      const read = quoted.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&')
      assert.equal(read, value)
    }),
    { seed: 470_002, numRuns: 2_000 },
  )
})
