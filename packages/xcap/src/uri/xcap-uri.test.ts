import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { XcapUriError } from '../errors.ts'
import { documentPath, parseXcapUri } from './xcap-uri.ts'

const refusal = (target: string, root?: string): string => {
  try {
    parseXcapUri(target, root)
    return 'taken'
  } catch (error) {
    assert.ok(error instanceof XcapUriError, String(error))
    return error.code
  }
}

test('the examples of RFC 4825 section 6 are read', () => {
  const global = parseXcapUri('/resource-lists/global/index')
  assert.deepEqual(
    [global.auid, global.tree, global.document, global.node],
    ['resource-lists', { kind: 'global' }, 'index', undefined],
  )
  const users = parseXcapUri(
    '/resource-lists/users/sip:bill@example.com/index/~~/resource-lists/list%5b@name=%22l1%22%5d/entry',
  )
  assert.deepEqual(users.tree, { kind: 'users', xui: 'sip:bill@example.com' })
  assert.deepEqual(
    users.node?.steps.map(({ name, attribute }) => [name?.name, attribute?.value]),
    [
      ['resource-lists', undefined],
      ['list', 'l1'],
      ['entry', undefined],
    ],
  )
})

test('a user is the same however the identifier is encoded, and gets a scheme where a client leaves it out (RFC 4825 section 6.2)', () => {
  for (const xui of [
    'sip:alice@example.com',
    'sip%3Aalice%40example.com',
    'sip%3aalice@example.com',
    'alice@example.com',
  ]) {
    assert.deepEqual(parseXcapUri(`/pres-rules/users/${xui}/index`).tree, {
      kind: 'users',
      xui: 'sip:alice@example.com',
    })
  }
})

test('nothing leads out of a tree, encoded or not (RFC 4825 section 6.2)', () => {
  for (const xui of ['..', '%2e%2e', '.', '', 'a%2fb', 'a%5Cb', 'a%00', '%2e%2e%2f%2e%2e']) {
    assert.equal(refusal(`/pres-rules/users/${xui}/index`), 'XCAP_URI_NOT_FOUND', xui)
    assert.equal(refusal(`/pres-rules/users/sip:alice@example.com/${xui}`), 'XCAP_URI_NOT_FOUND', xui)
  }
  // Decoded once: what is encoded twice is a name with a percent sign.
  assert.equal(refusal('/pres-rules/users/%252e%252e/index'), 'taken')
})

test('what is no XCAP URI is refused: 404 where it names nothing, 400 where it cannot be read', () => {
  for (const target of [
    '/',
    '/pres-rules',
    '/pres-rules/users',
    '/pres-rules/users/a',
    '/pres-rules/others/a/index',
    '/x/global',
  ]) {
    assert.equal(refusal(target), 'XCAP_URI_NOT_FOUND', target)
  }
  assert.equal(refusal('/other/pres-rules/global/index', '/root'), 'XCAP_URI_NOT_FOUND')
  assert.equal(parseXcapUri('/root/pres-rules/global/index', '/root').auid, 'pres-rules')
  const document = '/pres-rules/users/a/index'
  for (const rest of ['/~~/%ff', '/~~/a%5b@b=%22c%5d']) {
    assert.equal(refusal(document + rest), 'XCAP_URI_MALFORMED', rest)
  }
  // They may be extensions, of which there are none here (RFC 4825 section 8).
  for (const node of [
    '',
    'a//b',
    '/a',
    'a/..',
    'a%5b%40b%5d',
    'a%5b1%5d%5b2%5d',
    'a%5b-1%5d',
    'text()',
    '@a/b',
    'namespace::a',
    'id(%22a%22)',
  ]) {
    assert.equal(refusal(`${document}/~~/${node}`), 'XCAP_URI_NOT_FOUND', node)
  }
  for (const query of ['xmlns(a)', 'xmlns(1=b)', 'xmlns(a=b', 'a', 'xmlns(a=^b)']) {
    assert.equal(refusal(`${document}/~~/a?${query}`), 'XCAP_URI_MALFORMED', query)
  }
})

test('each form of a step is read, and a slash in a value separates nothing (RFC 4825 section 6.3)', () => {
  const node = `a:b/*/c[2]/*[3]/d[@e="x/y"]/f[4][@p:g='h"i']/@j`
  const uri = parseXcapUri(`/t/users/u/index/~~/${encodeURIComponent(node)}?xmlns(a=urn:a)xmlns(p=urn:p%5e(1%5e))`)
  assert.ok(uri.node?.kind === 'attribute')
  assert.deepEqual(uri.node.attribute, { prefix: '', name: 'j' })
  assert.deepEqual(
    uri.node.steps.map(({ name, position, attribute }) => [name?.prefix, name?.name, position, attribute?.value]),
    [
      ['a', 'b', undefined, undefined],
      [undefined, undefined, undefined, undefined],
      ['', 'c', 2, undefined],
      [undefined, undefined, 3, undefined],
      ['', 'd', undefined, 'x/y'],
      ['', 'f', 4, 'h"i'],
    ],
  )
  assert.deepEqual(
    [...uri.bindings],
    [
      ['a', 'urn:a'],
      ['p', 'urn:p(1)'],
    ],
  )
})

test('references in a value are undone: &quot; is the safe form of a quote', () => {
  const uri = parseXcapUri(`/t/users/u/index/~~/${encodeURIComponent('a[@b="&quot;&lt;&#x41;&amp;"]')}`)
  assert.equal(uri.node?.steps[0]?.attribute?.value, '"<A&')
})

test('a document’s path leads back to it, whatever the user is called', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 20, unit: 'grapheme' }), (name) => {
      const xui = `sip:${name}@example.com`
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these no segment has.
      fc.pre(!/[/\\\u0000-\u001f\u007f]/.test(xui) && xui.isWellFormed())
      const uri = { auid: 'pres-rules', tree: { kind: 'users', xui }, document: 'index' } as const
      assert.deepEqual(parseXcapUri(`/${documentPath(uri)}`).tree, uri.tree)
    }),
    { seed: 4825, numRuns: 300 },
  )
})

test('any target is read or refused by its own error', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 60, unit: fc.constantFrom(...'/~?()[]@="\'*:%2fab1^=xmlns') }), (rest) => {
      refusal(`/t/users/u/index${rest}`)
    }),
    { seed: 4826, numRuns: 2_000 },
  )
})
