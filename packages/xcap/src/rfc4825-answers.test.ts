import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, parseXml } from '@rollcall/xml'
import { decideXcap, type XcapOutcome } from './engine.ts'
import { ANY, anyUsage, Shelf } from './testing/harness.ts'
import { LISTS, lists, PLACES, PREFIXED, SPACES } from './testing/rfc4825.ts'
import { parseXcapUri } from './uri/xcap-uri.ts'
import { DOCUMENT_LIMITS } from './usage.ts'
import { RESOURCE_LISTS_USAGE } from './usages/resource-lists.ts'
import { capsDocument, XCAP_CAPS_USAGE } from './usages/xcap-caps.ts'

// The examples of RFC 4825, written anew by us, and each of its clauses that a server can keep or break: GET, DELETE and what is answered.

test('a GET gives exactly one resource, or 404 (RFC 4825 section 8.3)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  for (const node of ['root/el1', 'root/el9', 'root/el1[9]', 'root/el1/@att', 'root/el2/@other', 'other', 'root/*']) {
    assert.equal(shelf.get(node), 404, node)
  }
  const head = shelf.ask('HEAD', 'root/el2')
  assert.deepEqual([head.kind, head.status], ['read', 200])
})

test('what is deleted leaves nothing that its URI would name then (RFC 4825 section 8.4)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  assert.equal(shelf.delete('root/el1[1]'), '409 cannot-delete')
  assert.equal(shelf.delete('root/*[2]'), '409 cannot-delete')
  assert.equal(shelf.delete('root/el1[2]'), '200')
  assert.equal(shelf.delete('root/el1[2]'), '404')
  assert.equal(shelf.delete('root/*[2]'), '200', 'it is the last one')
  assert.equal(shelf.delete('root/el1/@att'), '200')
  assert.equal(
    shelf.text,
    `<?xml version="1.0"?>\n<root xmlns="${ANY}">\n  <el1/>\n  \n  <!-- comment -->\n  \n</root>`,
  )
})

test('each version of a document has one tag, which all its parts have (RFC 4825 section 8.5)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  const tag = (node?: string): string => {
    const outcome = shelf.ask('GET', node)
    assert.ok(outcome.kind === 'read')
    return outcome.etag
  }
  const all = (): Set<string> => new Set([undefined, 'root/el2', 'root/el2/@att', 'root/namespace::*'].map(tag))
  const [before] = all()
  assert.equal(all().size, 1)
  assert.equal(shelf.put('root/el1[1]/@att', 'other'), '200')
  assert.equal(all().size, 1)
  assert.ok(!all().has(before ?? ''))
})

test('the example of namespace bindings: an empty element of that name with all that is in scope (RFC 4825 section 10, RFC 4825 section 7.10, RFC 4825 section 15.2.3)', () => {
  const shelf = new Shelf(SPACES, PREFIXED)
  const query = 'xmlns(df=urn:test:default-namespace)xmlns(df2=urn:test:namespace1-uri)'
  const outcome = shelf.ask('GET', `df:foo/df2:bar/df2:baz/namespace::*?${query}`)
  assert.ok(outcome.kind === 'read')
  assert.equal(outcome.mediaType, 'application/xcap-ns+xml')
  const element = parseXml(outcome.body, DOCUMENT_LIMITS)
  assert.deepEqual([element.prefix, element.name, element.children, element.attributes], ['', 'baz', [], []])
  assert.deepEqual(
    new Map(element.declarations.map(({ prefix, uri }) => [prefix, uri])),
    new Map([
      ['', 'urn:test:namespace1-uri'],
      ['ns1', 'urn:test:namespace1-uri'],
    ]),
  )
})

/** The element in the body of a 409. */
function conflictIn(outcome: XcapOutcome): string {
  assert.ok(outcome.kind === 'conflict')
  assert.equal(outcome.mediaType, 'application/xcap-error+xml')
  const [, inner = ''] =
    /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<xcap-error xmlns="urn:ietf:params:xml:ns:xcap-error">(.*)<\/xcap-error>$/.exec(
      outcome.body.toString(),
    ) ?? []
  return inner
}

test('a conflict says why in one element (RFC 4825 section 11, RFC 4825 section 11.2, RFC 4825 section 15.2.4)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  assert.match(
    conflictIn(shelf.ask('PUT', 'root/el9/a', { body: '<a/>' })),
    /^<no-parent><ancestor>.*<\/ancestor><\/no-parent>$/,
  )
  assert.match(conflictIn(shelf.ask('PUT', 'root/a', { body: '<a>' })), /^<not-xml-frag phrase="[^"]*"\/>$/)
  assert.match(conflictIn(shelf.ask('DELETE', 'root')), /^<cannot-delete phrase="[^"]*"\/>$/)
})

test('an ancestor is a reference that leads to it from wherever it is read: from the XCAP root’s host on (RFC 4825 section 11.1)', () => {
  const base = new URL(`https://xcap.example/services${LISTS}`)
  const stored = { octets: Buffer.from(lists('<list name="a b"/>')), etag: '1' }
  const ancestor = (node: string, document: typeof stored | undefined = stored): string => {
    const uri = parseXcapUri(`${base.pathname}/~~/${encodeURI(node)}`, '/services')
    const body = Buffer.from('<entry uri="sip:a@b"/>')
    const request = {
      method: 'PUT',
      uri,
      contentType: 'application/xcap-el+xml',
      body,
      ifMatch: undefined,
      ifNoneMatch: undefined,
    }
    const text = conflictIn(decideXcap(request, document, RESOURCE_LISTS_USAGE, '2'))
    return new URL(/<ancestor>(.*)<\/ancestor>/.exec(text)?.[1] ?? 'none:', base).href
  }
  assert.equal(
    ancestor('resource-lists/list[@name="a b"]/list/entry'),
    `${base.href}/~~/resource-lists/list%5B@name=%22a%20b%22%5D`,
  )
  assert.equal(ancestor('resource-lists/list[@name="c"]/entry'), `${base.href}/~~/resource-lists`)
  assert.equal(ancestor('other/entry'), base.href, 'not even the root element is of that name')
})

test('what is there already is named by its selector in the document, with another value to take (RFC 4825 section 11.1)', () => {
  const shelf = new Shelf(RESOURCE_LISTS_USAGE)
  const body = lists(
    '<list name="a"/><list name="friends"><list name="b"/><list name="b"/><list name="b"/><list name="b-2"/></list>',
  )
  const inner = conflictIn(shelf.ask('PUT', undefined, { body }))
  assert.equal(
    inner,
    '<uniqueness-failure><exists field="resource-lists/list%5B2%5D/list%5B2%5D/@name"><alt-value>b-3</alt-value></exists>' +
      '<exists field="resource-lists/list%5B2%5D/list%5B3%5D/@name"><alt-value>b-4</alt-value></exists></uniqueness-failure>',
  )
})

test('capabilities name usages and namespaces, in a document that everybody reads (RFC 4825 section 12, RFC 4825 section 12.7, RFC 4825 section 15.2.5)', () => {
  const caps = { octets: capsDocument([RESOURCE_LISTS_USAGE, XCAP_CAPS_USAGE]), etag: '1' }
  const ask = (method: string, node = ''): XcapOutcome => {
    const uri = parseXcapUri(`/xcap-caps/global/index${node}`)
    const rest = { contentType: 'application/xcap-caps+xml', ifMatch: undefined, ifNoneMatch: undefined }
    return decideXcap({ method, uri, body: Buffer.from('<xcap-caps/>'), ...rest }, caps, XCAP_CAPS_USAGE, '2')
  }
  const read = ask('GET')
  assert.ok(read.kind === 'read')
  assert.equal(read.mediaType, 'application/xcap-caps+xml')
  const root = parseXml(read.body, DOCUMENT_LIMITS)
  assert.deepEqual([root.namespace, root.name], ['urn:ietf:params:xml:ns:xcap-caps', 'xcap-caps'])
  assert.deepEqual(
    childElements(root).map(({ name }) => name),
    ['auids', 'extensions', 'namespaces'],
  )
  const part = ask('GET', '/~~/xcap-caps/auids/auid%5b1%5d')
  assert.ok(part.kind === 'read')
  assert.equal(part.body.toString(), '<auid>resource-lists</auid>')
  for (const method of ['PUT', 'DELETE']) assert.equal(ask(method).status, 405)
})

test('the examples of a session: lists are made, filled, changed and read by their parts (RFC 4825 section 13, RFC 4825 section 7)', () => {
  const shelf = new Shelf(RESOURCE_LISTS_USAGE)
  const list = 'resource-lists/list[@name="friends"]'
  assert.equal(shelf.put(undefined, lists('\n  <list name="friends">\n  </list>\n')), '201')
  const bob = '<entry uri="sip:bob@example.com">\n    <display-name>Bob Jones</display-name>\n  </entry>'
  assert.equal(shelf.put(`${list}/entry`, bob), '201')
  const nancy = '<entry uri="sip:nancy@example.com">\n    <display-name>Nancy Gross</display-name>\n  </entry>'
  assert.equal(shelf.put(`${list}/entry[@uri="sip:nancy@example.com"]`, nancy), '201')
  assert.equal(
    shelf.get(`${list}/entry[@uri="sip:bob@example.com"]/display-name`),
    '<display-name>Bob Jones</display-name>',
  )
  assert.equal(shelf.get(`${list}/entry[2]/@uri`), 'sip:nancy@example.com')
  assert.equal(shelf.put(`${list}/entry[2]/@uri`, 'sip:nancy@example.net'), '200')
  assert.equal(
    shelf.put(`${list}/entry[@uri="sip:joe@example.com"]`, '<entry uri="sip:jim@example.com"/>'),
    '409 cannot-insert',
  )
  assert.equal(shelf.delete(`${list}/entry[@uri="sip:bob@example.com"]`), '200')
  assert.equal(shelf.get(`${list}/entry`), nancy.replace('.com', '.net'))
})
