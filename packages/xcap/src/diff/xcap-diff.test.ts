import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { XcapUriError } from '../errors.ts'
import { ANY, anyUsage } from '../testing/harness.ts'
import { parseXcapUri } from '../uri/xcap-uri.ts'
import { parseXcapDiffResources, XcapDiffResourcesError } from './parse-resources.ts'
import { partStateOf } from './part-state.ts'
import { isWatched, parseWatchedResource } from './watched-resource.ts'
import { writeXcapDiff, XCAP_DIFF_MEDIA_TYPE, type XcapChange } from './write-xcap-diff.ts'

const ROOT = 'https://xcap.home.example/'
const INDEX = 'pres-rules/users/sip:alice@home.example/index'
const SCHEMA = fileURLToPath(new URL('../vectors/xcap-diff.xsd', import.meta.url))
const hasXmllint = spawnSync('xmllint', ['--version']).error === undefined

const content = (
  xml: string,
): { readonly xml: string; readonly declarations: readonly { prefix: string; uri: string }[] } => ({
  xml,
  declarations: [{ prefix: '', uri: 'urn:a' }],
})

/** What is written, without what is around it. */
function written(...changes: readonly XcapChange[]): string {
  const text = writeXcapDiff(ROOT, changes).toString()
  if (hasXmllint) {
    const { status, stderr } = spawnSync('xmllint', ['--noout', '--schema', SCHEMA, '-'], {
      input: text,
      encoding: 'utf8',
    })
    assert.equal(status, 0, `${stderr}\n${text}`)
  }
  const start =
    '<?xml version="1.0" encoding="UTF-8"?>\n' +
    `<d:xcap-diff xmlns:d="urn:ietf:params:xml:ns:xcap-diff" xcap-root="${ROOT}">`
  assert.ok(text.startsWith(start) && text.endsWith('</d:xcap-diff>'))
  return text.slice(start.length, -'</d:xcap-diff>'.length)
}

test('a document is new, changed or gone by which of its tags are told (RFC 5874 section 3, RFC 5874 section 6.1)', () => {
  const of = (previousEtag: string | undefined, newEtag: string | undefined): XcapChange => ({
    kind: 'document',
    sel: INDEX,
    previousEtag,
    newEtag,
  })
  assert.equal(written(of(undefined, '1')), `<d:document sel="${INDEX}" new-etag="1"/>`)
  assert.equal(written(of('1', '2')), `<d:document sel="${INDEX}" new-etag="2" previous-etag="1"/>`)
  assert.equal(written(of('2', undefined)), `<d:document sel="${INDEX}" previous-etag="2"/>`)
  assert.equal(written(), '')
  assert.equal(XCAP_DIFF_MEDIA_TYPE, 'application/xcap-diff+xml')
})

test('a patch stands in its document, and an empty one says that only the tag changed (RFC 5874 section 3)', () => {
  const change = { kind: 'document', sel: INDEX, previousEtag: '1', newEtag: '2' } as const
  assert.equal(
    written({ ...change, patch: [] }),
    `<d:document sel="${INDEX}" new-etag="2" previous-etag="1"><d:body-not-changed/></d:document>`,
  )
  const row = written({
    ...change,
    patch: [
      { kind: 'add', sel: '*', pos: 'append', content: content('<a/>text<b/>') },
      { kind: 'add', sel: '*/*[1]', pos: 'before', content: content('<a/>') },
      { kind: 'replace', sel: '*/*[1]', content: content('<a/>') },
      { kind: 'remove', sel: '*/*[1]', ws: 'both' },
      { kind: 'add-attribute', sel: '*/*[1]', name: 'id', value: '<' },
      { kind: 'replace-attribute', sel: '*/*[1]', name: 'id', value: '>' },
      { kind: 'remove-attribute', sel: '*/*[1]', name: 'id' },
    ],
  })
  assert.match(row, /^<d:document [^>]*><d:add sel="\*" xmlns="urn:a"><a\/>text<b\/><\/d:add>.*<\/d:document>$/)
  const isNew = { ...change, previousEtag: undefined, patch: [] }
  assert.equal(written(isNew), `<d:document sel="${INDEX}" new-etag="2"/>`, 'there is nothing that it is a patch of')
})

test('parts of documents are told with what they are, or that they are not (RFC 5874 section 3)', () => {
  const sel = `${INDEX}/~~/a`
  assert.equal(
    written({ kind: 'element', sel, content: content('<a/>') }, { kind: 'element', sel, content: undefined }),
    `<d:element sel="${sel}" exists="true" xmlns="urn:a"><a/></d:element><d:element sel="${sel}" exists="false"/>`,
  )
  assert.equal(
    written({ kind: 'attribute', sel, value: 'a<b' }, { kind: 'attribute', sel, value: undefined }),
    `<d:attribute sel="${sel}" exists="true">a&lt;b</d:attribute><d:attribute sel="${sel}" exists="false"/>`,
  )
})

const list = (entries: string, root = 'resource-lists'): Buffer =>
  Buffer.from(`<${root} xmlns="urn:ietf:params:xml:ns:resource-lists"><list>${entries}</list></${root}>`)

test('a subscription names resources in a flat list (RFC 5875 section 4.4)', () => {
  const body = list(
    `<display-name>x</display-name><entry uri="${INDEX}"/><e xmlns="urn:e"/><entry uri="a/global/b/"><display-name>c</display-name></entry>` +
      `<entry uri="${ROOT}${INDEX}"/><entry uri="${INDEX}/~~/a%5b@b=%22c%22%5d?xmlns(a=b&amp;c)"/>` +
      '<entry-ref ref="a/b"/><external anchor="https://a/b"/><list><entry uri="c/d"/></list>',
  )
  assert.deepEqual(parseXcapDiffResources(body, ROOT), [
    INDEX,
    'a/global/b/',
    `${INDEX}/~~/a%5b@b=%22c%22%5d?xmlns(a=b&c)`,
  ])
})

test('what is no list of resources is refused, and what is too much (RFC 5875 section 4.4)', () => {
  const code = (body: Buffer): string => {
    try {
      parseXcapDiffResources(body, ROOT)
      return 'taken'
    } catch (error) {
      assert.ok(error instanceof XcapDiffResourcesError, String(error))
      return error.code
    }
  }
  const entries = (count: number): string => Array.from({ length: count }, (_, i) => `<entry uri="a/${i}"/>`).join('')
  for (const body of [
    Buffer.from(''),
    Buffer.from('<a/>'),
    Buffer.from('<!DOCTYPE a><a/>'),
    list(''),
    list('<entry/>'),
    list('<entry uri="a/b"/>', 'other'),
    ...['', '/a/b', '//a/b', 'https://a/b', 'sip:a/b', 'a', `${ROOT}`, 'a/b c', '?a/b', '#a/b'].map((uri) =>
      list(`<entry uri="${uri}"/>`),
    ),
  ]) {
    assert.equal(code(body), 'XCAP_DIFF_MALFORMED', body.toString())
  }
  assert.equal(code(list(entries(100))), 'taken')
  assert.equal(code(list(entries(101))), 'XCAP_DIFF_TOO_MUCH')
  assert.equal(code(list(`<entry uri="a/${'b'.repeat(1_023)}"/>`)), 'XCAP_DIFF_TOO_MUCH')
  assert.equal(code(Buffer.alloc(65_537, ' ')), 'XCAP_DIFF_TOO_MUCH')
})

test('a collection is all documents in it, a document itself, a part has its document (RFC 5875 section 4.4)', () => {
  const paths = ['t/users/sip:a@b/x', 't/users/sip:a@b/y/x', 't/users/sip:c@b/x', 't/global/x', 'u/users/sip:a@b/x']
  const heard = (relative: string): number[] => {
    const resource = parseWatchedResource(relative)
    return paths.flatMap((path, i) => (isWatched(resource, parseXcapUri(`/${path}`)) ? [i] : []))
  }
  assert.deepEqual(heard('t/users/sip:a@b/'), [0, 1])
  assert.deepEqual(heard('t/users/sip%3Aa@B/y/'), [1])
  assert.deepEqual(heard('t/users/sip:a@b/x/'), [])
  assert.deepEqual(heard('t/global/'), [3])
  assert.deepEqual([heard('t/'), heard('t/users/'), heard('u/')], [[0, 1, 2, 3], [0, 1, 2], [4]])
  assert.deepEqual(heard('t/users/a@b/x'), [0])
  assert.deepEqual(heard('t/users/sip:a@b/x/~~/a/@b'), [0])
  assert.equal(parseWatchedResource('t/users/sip:a@b/x/~~/a/@b').kind, 'part')
  for (const relative of ['/', 't/users/../', 't/users/a@b//', 't/users/a@b/x/~~/a/namespace::*', 't/users/a@b']) {
    assert.throws(() => parseWatchedResource(relative), XcapUriError, relative)
  }
})

test('an element is told with the namespaces around it, whatever prefixes it leans on (RFC 5874 section 3)', () => {
  const octets = Buffer.from(
    `<root xmlns="${ANY}" xmlns:p="urn:p" xmlns:q="urn:q"><a xmlns:q="urn:r" i="&lt;1"><p:b/></a><c/><c/></root>`,
  )
  const state = (node: string, document: Buffer | undefined = octets): unknown => {
    const uri = parseXcapUri(`/test/users/sip:a@b/index/~~/${encodeURI(node)}`)
    const told = partStateOf(node, uri, document, anyUsage)
    written(told)
    if (told.kind === 'attribute') return { value: told.value }
    return (
      told.content && [told.content.xml, told.content.declarations.map(({ prefix, uri }) => `${prefix} ${uri}`).join()]
    )
  }
  const inRoot = ` ${ANY},p urn:p`
  assert.deepEqual(state('root/a'), ['<a xmlns:q="urn:r" i="&lt;1"><p:b/></a>', `${inRoot},q urn:q`])
  assert.deepEqual(state('root/a/x:b?xmlns(x=urn:p)'), ['<p:b/>', `${inRoot},q urn:r`])
  assert.deepEqual(state('root/a/@i'), { value: '<1' })
  assert.deepEqual(state('root/a/@j'), { value: undefined })
  assert.deepEqual(state('root/b/@j'), { value: undefined })
  for (const node of ['root/b', 'root/c', 'root/z:a']) assert.equal(state(node), undefined, node)
  assert.equal(
    partStateOf('root/a', parseXcapUri('/test/users/sip:a@b/index/~~/root/a'), undefined, anyUsage).kind,
    'element',
  )
})
