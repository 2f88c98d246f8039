import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY, anyUsage, Shelf, spoken } from './testing/harness.ts'
import { parseXcapUri } from './uri/xcap-uri.ts'

const doc = (inner: string): string => `<?xml version="1.0"?>\n<root xmlns="${ANY}">${inner}</root>\n`

test('a document is put, read, changed and taken away, each version with a tag of its own (RFC 4825 sections 8.1, 8.3 and 8.5)', () => {
  const shelf = new Shelf(anyUsage)
  assert.equal(shelf.get(), 404)
  assert.equal(shelf.put(undefined, doc('<a/>')), '201')
  assert.equal(shelf.get(), doc('<a/>'))
  const first = shelf.stored?.etag
  assert.equal(shelf.put(undefined, doc('<a/>')), '200')
  assert.equal(shelf.stored?.etag, first, 'the same again is no other version')
  assert.equal(shelf.put(undefined, doc('<b/>')), '200')
  assert.notEqual(shelf.stored?.etag, first)
  assert.equal(shelf.delete(), '200')
  assert.equal(shelf.delete(), '404')
})

test('elements: where a new one goes (RFC 4825 section 8.2.3)', () => {
  const base = doc('<a id="1"/> <b/><a id="2"/><!-- end --><b id="3"/>')
  const rows: readonly (readonly [node: string, body: string, expected: string])[] = [
    ['root/c', '<c/>', '<a id="1"/> <b/><a id="2"/><!-- end --><b id="3"/><c/>'],
    ['root/a[@id="9"]', '<a id="9"/>', '<a id="1"/> <b/><a id="2"/><a id="9"/><!-- end --><b id="3"/>'],
    ['root/*[@id="9"]', '<a id="9"/>', '<a id="1"/> <b/><a id="2"/><a id="9"/><!-- end --><b id="3"/>'],
    ['root/a[2][@id="9"]', '<a id="9"/>', '<a id="1"/><a id="9"/> <b/><a id="2"/><!-- end --><b id="3"/>'],
    ['root/a[3]', '<a id="9"/>', '<a id="1"/> <b/><a id="2"/><a id="9"/><!-- end --><b id="3"/>'],
    ['root/*[2][@id="9"]', '<c id="9"/>', '<a id="1"/><c id="9"/> <b/><a id="2"/><!-- end --><b id="3"/>'],
    ['root/*[5]', '<c/>', '<a id="1"/> <b/><a id="2"/><!-- end --><b id="3"/><c/>'],
    ['root/c[1]', '<c/>', '<a id="1"/> <b/><a id="2"/><!-- end --><b id="3"/><c/>'],
  ]
  for (const [node, body, expected] of rows) {
    const shelf = new Shelf(anyUsage, base)
    assert.equal(shelf.put(node, body), '201', node)
    assert.equal(shelf.text, doc(expected), node)
    assert.equal(shelf.get(node), body, node)
    assert.equal(shelf.put(node, body), '200', `${node} again`)
    assert.equal(shelf.text, doc(expected), `${node} again`)
  }
})

test('elements: in the place of one that is there, and nothing else moves', () => {
  const shelf = new Shelf(anyUsage, doc(' <a id="1">x</a>\t<a  id = "2" />\r\n'))
  assert.equal(shelf.put('root/a[@id="2"]', '<a id="2"><b/></a>'), '200')
  assert.equal(shelf.text, doc(' <a id="1">x</a>\t<a id="2"><b/></a>\r\n'))
  assert.equal(shelf.put('root/a[1]', '<a id="other"/>'), '200', 'the position still fits')
  assert.equal(shelf.put('root', `<root xmlns="${ANY}"/>`), '200')
  assert.equal(shelf.put('root/a', ' <a/>\n'), '201', 'white space around the body is not of the element')
  assert.equal(shelf.text, `<?xml version="1.0"?>\n<root xmlns="${ANY}"><a/></root>\n`)
})

test('elements: what cannot be put (RFC 4825 sections 8.2.3 and 11.1)', () => {
  const rows: readonly (readonly [node: string, body: string, expected: string])[] = [
    ['root/a[0]', '<a/>', '409 cannot-insert'],
    ['root/a[4]', '<a/>', '409 cannot-insert'],
    ['root/a[@id="9"]', '<a id="8"/>', '409 cannot-insert'],
    ['root/a[@id="9"]', '<b id="9"/>', '409 cannot-insert'],
    ['root/a[1][@id="1"]', '<a id="2"/>', '409 cannot-insert'],
    ['root/a', '<a/>', '409 cannot-insert'],
    ['other', '<other/>', '409 cannot-insert'],
    ['root/c/d', '<d/>', '409 no-parent'],
    ['root/a/d', '<d/>', '409 no-parent'],
    ['root/b', '<b>', '409 not-xml-frag'],
    ['root/b', '<b/><b/>', '409 not-xml-frag'],
    ['root/b', '<?xml version="1.0"?><b/>', '409 not-xml-frag'],
    ['root/b', 'text', '409 not-xml-frag'],
    ['root/b', '<p:b/>', '409 not-xml-frag'],
    ['root/b', '<!DOCTYPE b><b/>', '409 constraint-failure'],
    ['root/b', `${'<b>'.repeat(70)}${'</b>'.repeat(70)}`, '409 constraint-failure'],
  ]
  for (const [node, body, expected] of rows) {
    const shelf = new Shelf(anyUsage, doc('<a id="1"/><a id="2"/>'))
    assert.equal(shelf.put(node, body), expected, `${node} ${body.slice(0, 40)}`)
    assert.equal(shelf.text, doc('<a id="1"/><a id="2"/>'))
  }
  const shelf = new Shelf(anyUsage, doc(''))
  assert.equal(spoken(shelf.ask('PUT', 'root/b', { body: Buffer.from([0x3c, 0x62, 0x3e, 0xff]) })), '409 not-utf-8')
})

test('no-parent names the nearest ancestor that is there (RFC 4825 section 11.1)', () => {
  const shelf = new Shelf(anyUsage, doc('<a id="x y"><b/></a>'))
  const outcome = shelf.ask('PUT', 'root/p:a[@id="x y"]/c/d?xmlns(p=urn:test:any)', { body: '<d/>' })
  assert.ok(outcome.kind === 'conflict')
  assert.match(
    outcome.body.toString(),
    /<no-parent><ancestor>\/test\/users\/sip:alice@example\.com\/index\/~~\/root\/p:a%5B@id=%22x%20y%22%5D\?xmlns\(p=urn:test:any\)<\/ancestor><\/no-parent>/,
  )
  assert.equal(new Shelf(anyUsage).put('root/a', '<a/>'), '409 no-parent', 'there is no document')
  const odd = new Shelf(anyUsage, doc('<p:a xmlns:p="urn:)"/>'))
  const lost = odd.ask('PUT', 'root/p:a/c/d?xmlns(p=urn:^))', { body: '<d/>' })
  assert.ok(lost.kind === 'conflict')
  const [, ancestor = ''] = /<ancestor>(.*)<\/ancestor>/.exec(lost.body.toString()) ?? []
  assert.equal(parseXcapUri(ancestor).bindings.get('p'), 'urn:)', 'it is a URI that can be read (section 6.4)')
})

test('what is deleted is gone, or it is not deleted (RFC 4825 section 8.4)', () => {
  const shelf = new Shelf(anyUsage, doc('<a id="1"/> <a id="2"/><b/>'))
  assert.equal(shelf.delete('root/a[1]'), '409 cannot-delete')
  assert.equal(shelf.delete('root/*[1]'), '409 cannot-delete')
  assert.equal(shelf.delete('root'), '409 cannot-delete')
  assert.equal(shelf.delete('root/a'), '404', 'two are named')
  assert.equal(shelf.delete('root/c'), '404')
  assert.equal(shelf.delete('root/a[@id="1"]'), '200')
  assert.equal(shelf.text, doc(' <a id="2"/><b/>'))
  assert.equal(shelf.delete('root/b'), '200')
  assert.equal(shelf.delete('root/a[1]'), '200')
})

test('attributes (RFC 4825 sections 7.5 to 7.8, 8.2.4 and 8.4.3)', () => {
  const shelf = new Shelf(anyUsage, doc(`<a id='1"'  n="&lt;x"/>`))
  assert.equal(shelf.get('root/a/@n'), '&lt;x')
  assert.equal(shelf.get('root/a/@id'), '1"')
  assert.equal(shelf.get('root/a/@other'), 404)
  assert.equal(shelf.put('root/a/@n', 'y&amp;z'), '200')
  assert.equal(shelf.put('root/a/@m', 'new'), '201')
  assert.equal(shelf.put('root/a/@m', 'new'), '200')
  assert.equal(shelf.text, doc(`<a m="new" id='1"'  n="y&amp;z"/>`))
  assert.equal(shelf.put('root/a[@m="new"]/@m', 'old'), '409 cannot-insert')
  assert.equal(shelf.put('root/a/@m', '<'), '409 not-xml-att-value')
  assert.equal(shelf.put('root/a/@m', '&unknown;'), '409 not-xml-att-value')
  assert.equal(shelf.put('root/a/@m', '\'"'), '409 not-xml-att-value')
  assert.equal(shelf.put('root/b/@m', 'x'), '409 no-parent')
  assert.equal(shelf.put('root/a/@q:m?xmlns(q=urn:q)', 'x'), '409 cannot-insert')
  assert.equal(shelf.delete('root/a/@m'), '200')
  assert.equal(shelf.delete('root/a/@m'), '404')
  assert.equal(shelf.delete('root/a/@n'), '200')
  assert.equal(shelf.text, doc(`<a id='1"'/>`))
})

test('namespace bindings are read, with those of all around, and not written (RFC 4825 section 7.10)', () => {
  const shelf = new Shelf(anyUsage, doc('<p:a xmlns:p="urn:p" xmlns:q="urn:q"><p:b xmlns:q="urn:r"/></p:a>'))
  const node = 'root/p:a/p:b/namespace::*?xmlns(p=urn:p)'
  assert.equal(shelf.get(node), `<p:b xmlns="${ANY}" xmlns:p="urn:p" xmlns:q="urn:r"/>`)
  for (const method of ['PUT', 'DELETE']) {
    const outcome = shelf.ask(method, node, { body: 'x' })
    assert.ok(outcome.kind === 'refused' && outcome.status === 405)
    assert.equal(outcome.allow, 'GET, HEAD')
  }
})

test('prefixes are the query’s, not the document’s (RFC 4825 section 6.4)', () => {
  const shelf = new Shelf(anyUsage, doc('<p:a xmlns:p="urn:p"/><a/>'))
  assert.equal(shelf.get('root/z:a?xmlns(z=urn:p)'), '<p:a xmlns:p="urn:p"/>')
  assert.equal(shelf.get('root/a'), '<a/>')
  assert.equal(shelf.get('root/p:a'), 400)
  assert.equal(shelf.put('root/z:a/z:b?xmlns(z=urn:p)', '<p:b/>'), '201', 'the body leans on what is bound around it')
  assert.equal(shelf.get('root/z:a?xmlns(z=urn:p)'), '<p:a xmlns:p="urn:p"><p:b/></p:a>')
})

test('conditions (RFC 4825 sections 7.11 and 8.5)', () => {
  const shelf = new Shelf(anyUsage, doc('<a/>'))
  const status = (method: string, node: string | undefined, o: { ifMatch?: string; ifNoneMatch?: string }): number =>
    shelf.ask(method, node, { body: node ? '<b/>' : doc(''), ...o }).status
  assert.equal(status('GET', undefined, { ifNoneMatch: '"v0"' }), 304)
  assert.equal(status('GET', 'root/a', { ifNoneMatch: '"x", "v0"' }), 304)
  assert.equal(status('GET', undefined, { ifNoneMatch: '"v1"' }), 200)
  assert.equal(status('GET', undefined, { ifNoneMatch: '"x",W/"v0"' }), 304, 'weak is enough to have it already')
  assert.equal(status('PUT', 'root/b', { ifMatch: 'W/"v0"' }), 412, 'and not to change it')
  assert.equal(status('GET', undefined, { ifMatch: '"v1"' }), 412)
  assert.equal(status('GET', 'root/c', { ifMatch: '*' }), 412)
  assert.equal(status('PUT', undefined, { ifMatch: '"other"' }), 412)
  assert.equal(status('PUT', 'root/b', { ifMatch: '"other"' }), 412)
  assert.equal(
    new Shelf(anyUsage, doc('')).ask('PUT', 'root/b', { body: '<b/>', ifMatch: '"v0"' }).status,
    201,
    'the document’s tag',
  )
  assert.equal(new Shelf(anyUsage).ask('PUT', 'root/b', { body: '<b/>', ifMatch: '*' }).status, 412, 'no document')
  assert.equal(status('PUT', undefined, { ifNoneMatch: '*' }), 412)
  assert.equal(status('PUT', 'root/b', { ifNoneMatch: '*' }), 412, 'a part has a tag before it is there')
  assert.equal(status('DELETE', 'root/b', { ifMatch: '*' }), 412, 'and none when it is to be deleted')
  assert.equal(status('PUT', 'root/b', { ifMatch: '*' }), 201)
  assert.equal(status('DELETE', undefined, { ifMatch: '"v0"' }), 412, 'it has another tag by now')
  assert.equal(status('DELETE', undefined, { ifMatch: `"${shelf.stored?.etag}"` }), 200)
})

test('methods, media types, names and sizes', () => {
  const shelf = new Shelf(anyUsage, doc(''))
  assert.equal(shelf.ask('POST').status, 405)
  assert.equal(shelf.ask('HEAD').status, 200)
  assert.equal(shelf.ask('PUT', undefined, { body: doc(''), type: 'text/xml' }).status, 415)
  assert.equal(shelf.ask('PUT', 'root/a', { body: '<a/>', type: anyUsage.mediaType }).status, 415)
  assert.equal(shelf.ask('PUT', undefined, { body: doc(' '.repeat(65_537)) }).status, 413)
  assert.equal(new Shelf(anyUsage, undefined, 'other').put(undefined, doc('')), '404')
  assert.equal(shelf.put(undefined, '<a>'), '409 not-well-formed')
  assert.equal(shelf.put(undefined, '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'), '409 constraint-failure')
  assert.equal(spoken(shelf.ask('PUT', undefined, { body: Buffer.from([0xff]) })), '409 not-utf-8')
})
