import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY, anyUsage, Shelf, spoken } from './testing/harness.ts'
import { lists, PLACES } from './testing/rfc4825.ts'
import { RESOURCE_LISTS_USAGE } from './usages/resource-lists.ts'

// The examples of RFC 4825, written anew by us, and each of its clauses that a server can keep or break: POST and PUT.

test('POST is none of XCAP’s methods for any resource (RFC 4825 section 8.1)', () => {
  const shelf = new Shelf(anyUsage, `<root xmlns="${ANY}" a="1"/>`)
  for (const node of [undefined, 'root', 'root/@a', 'root/namespace::*']) {
    const outcome = shelf.ask('POST', node)
    assert.ok(outcome.kind === 'refused' && outcome.status === 405)
    assert.equal(outcome.allow, node?.endsWith('*') ? 'GET, HEAD' : 'GET, HEAD, PUT, DELETE')
  }
})

test('what a new resource goes into must be there, one of it (RFC 4825 section 8.2.1)', () => {
  const ask = (node: string, text?: string): string =>
    new Shelf(anyUsage, text).put(node, node.includes('@') ? 'v' : '<a/>')
  assert.equal(ask('root/a'), '409 no-parent', 'no document')
  assert.equal(ask('root/@a'), '409 no-parent')
  const text = `<root xmlns="${ANY}"><b/><b/></root>`
  assert.equal(ask('root/c/a', text), '409 no-parent', 'none of that name')
  assert.equal(ask('root/b/a', text), '409 no-parent', 'two of it')
  assert.equal(ask('root/b/@a', text), '409 no-parent')
  assert.equal(ask('root/b[2]/a', text), '201')
})

test('a body is of the media type of its kind of resource, and of no other’s: also not of the document’s (RFC 4825 section 8.2.2, RFC 4825 section 15.2, RFC 4825 section 15.2.1, RFC 4825 section 15.2.2)', () => {
  const types: readonly string[] = [
    anyUsage.mediaType,
    'application/xcap-el+xml',
    'application/xcap-att+xml',
    'application/xcap-ns+xml',
    'text/xml',
  ]
  const rows = [
    [undefined, `<root xmlns="${ANY}"/>`, anyUsage.mediaType],
    ['root/a', '<a/>', 'application/xcap-el+xml'],
    ['root/@a', 'v', 'application/xcap-att+xml'],
  ] as const
  for (const [node, body, own] of rows) {
    for (const type of types) {
      const outcome = new Shelf(anyUsage, `<root xmlns="${ANY}"/>`).ask('PUT', node, { body, type })
      if (type === own) assert.equal(outcome.kind, 'write', `${node}`)
      else assert.deepEqual(outcome, { kind: 'refused', status: 415, accept: own })
    }
  }
})

test('a body is a document, one element or a value, in UTF-8: whatever else it is has its own condition (RFC 4825 section 8.2.2)', () => {
  const ask = (node: string | undefined, body: Buffer | string): string =>
    spoken(new Shelf(anyUsage, `<root xmlns="${ANY}"/>`).ask('PUT', node, { body }))
  const [latin, wide] = [Buffer.from('<a>é</a>', 'latin1'), Buffer.from('\ufeff<a/>', 'utf16le')]
  for (const node of [undefined, 'root/a'])
    for (const body of [latin, wide]) assert.equal(ask(node, body), '409 not-utf-8')
  assert.equal(ask('root/@a', Buffer.from('é', 'latin1')), '409 not-utf-8')
  assert.equal(ask(undefined, '<?xml version="1.0" encoding="ISO-8859-1"?><a/>'), '409 not-utf-8')
  for (const body of ['', '<a>', '<a/><b/>', 'a', '<a b=c/>', '<p:a/>']) {
    assert.equal(ask(undefined, body), '409 not-well-formed', body)
    assert.equal(ask('root/a', body), '409 not-xml-frag', body)
  }
  for (const body of ['<?xml version="1.0"?><a/>', '<!-- c --><a/>', '<a/><!-- c -->']) {
    assert.equal(ask('root/a', body), '409 not-xml-frag', body)
  }
  for (const body of ['a<b', '&other;', '&', '"\'', '\u0001'])
    assert.equal(ask('root/@a', body), '409 not-xml-att-value', body)
})

test('the examples of new elements: each goes where its selector then finds it (RFC 4825 section 8.2.3)', () => {
  const [first, second, last] = ['<el1 att="first"/>', '<el1 att="second"/>', '<el2 att="first"/>']
  const [third, two, three] = ['<el1 att="third"/>', '<el2 att="2"/>', '<el3 att="first"/>']
  const rows: readonly (readonly [nodes: readonly string[], body: string, place: string, filled: string])[] = [
    [['root/el1[@att="third"]', 'root/el1[3][@att="third"]', 'root/*[3][@att="third"]'], third, second, second + third],
    [['root/el3', 'root/el3[1]', 'root/el3[@att="first"]'], three, '</root>', `${three}</root>`],
    [['root/el2[@att="2"]', 'root/el2[2][@att="2"]'], two, last, last + two],
    [['root/*[2][@att="2"]'], two, first, first + two],
    [['root/el2[1][@att="2"]'], two, last, two + last],
    [['root/el1[1][@att="third"]', 'root/*[1][@att="third"]'], third, first, third + first],
  ]
  for (const [nodes, body, place, filled] of rows) {
    for (const node of nodes) {
      const shelf = new Shelf(anyUsage, PLACES)
      assert.equal(shelf.put(node, body), '201', node)
      assert.equal(shelf.text, PLACES.replace(place, filled), node)
      assert.equal(shelf.get(node), body, node)
    }
  }
})

test('what would not be read back as it was put is not put (RFC 4825 section 8.2.3)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  const rows = [
    ['root/el1[@att="third"]', '<el1 att="fourth"/>'],
    ['root/el1[@att="third"]', '<el2 att="third"/>'],
    ['root/el3', '<el4/>'],
    ['root/el1[9]', '<el1/>'],
    ['root/el1', '<el1/>'],
    ['root/p:el3?xmlns(p=urn:other)', '<el3/>'],
    ['root/@xmlns', 'urn:other'],
  ] as const
  for (const [node, body] of rows) assert.equal(shelf.put(node, body), '409 cannot-insert', node)
  assert.equal(shelf.text, PLACES)
})

test('what is replaced takes its place, and keeps its name and what the selector says of it (RFC 4825 section 8.2.4)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  assert.equal(shelf.put('root/el1[@att="second"]', '<el1 att="second">text</el1>'), '200')
  assert.equal(shelf.put('root/el1[1]', '<el1/>'), '200')
  assert.equal(shelf.put('root/el2/@att', 'a &lt; b'), '200')
  const expected = PLACES.replace('<el1 att="second"/>', '<el1 att="second">text</el1>')
    .replace('<el1 att="first"/>', '<el1/>')
    .replace('<el2 att="first"/>', '<el2 att="a &lt; b"/>')
  assert.equal(shelf.text, expected)
  assert.equal(shelf.put('root/el1[@att="second"]', '<el1 att="other"/>'), '409 cannot-insert')
  assert.equal(shelf.put('root/el1[@att="second"]/@att', 'other'), '409 cannot-insert')
  assert.equal(shelf.put('root/el2', '<el3/>'), '409 cannot-insert')
  assert.equal(shelf.text, expected)
})

test('the same request again changes nothing: PUT and DELETE are idempotent (RFC 4825 section 8.2.4)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  assert.equal(shelf.put('root/el1[3]', '<el1 att="third"/>'), '201')
  const { stored } = shelf
  assert.equal(shelf.put('root/el1[3]', '<el1 att="third"/>'), '200')
  assert.deepEqual(shelf.stored, stored, 'nor has it another tag')
})

test('a document that its schema or its usage forbids is not made by any request (RFC 4825 section 8.2.5)', () => {
  const shelf = new Shelf(RESOURCE_LISTS_USAGE, lists('<list name="a"/><list name="b"/>'))
  assert.equal(shelf.put(undefined, lists('<entry uri="sip:a@b"/>')), '409 schema-validation-error')
  assert.equal(shelf.put('resource-lists/entry', '<entry uri="sip:a@b"/>'), '409 schema-validation-error')
  assert.equal(shelf.put('resource-lists/list[2]/@name', 'a'), '409 uniqueness-failure')
  assert.equal(shelf.put('resource-lists/list[@name="a"]/entry', '<entry uri="sip:a@b"/>'), '201')
  assert.equal(shelf.delete('resource-lists/list[@name="a"]/entry/@uri'), '409 schema-validation-error')
  assert.equal(
    shelf.put('resource-lists/list[2]/entry-ref', '<entry-ref ref="/else/where"/>'),
    '409 constraint-failure',
  )
})

test('conditions are decided before anything is changed, for parts by the tag of the document (RFC 4825 section 8.2.6, RFC 4825 section 7.11)', () => {
  const shelf = new Shelf(anyUsage, PLACES)
  const status = (method: string, node: string | undefined, o: { ifMatch?: string; ifNoneMatch?: string }): number =>
    shelf.ask(method, node, { body: node?.includes('@att') ? 'v' : '<el3/>', ...o }).status
  for (const node of [undefined, 'root/el2', 'root/el3', 'root/el2/@att', 'root/el2/@new']) {
    for (const method of ['PUT', 'DELETE'])
      assert.equal(status(method, node, { ifMatch: '"old"' }), 412, `${method} ${node}`)
  }
  for (const node of ['root/el2/@att', 'root/el2/@new', 'root/el3']) {
    assert.equal(status('PUT', node, { ifNoneMatch: '*' }), 412, 'a part has a tag before it is there')
  }
  assert.equal(shelf.text, PLACES)
  assert.equal(status('PUT', 'root/el3', { ifMatch: '"v0"' }), 201)
  assert.equal(
    status('PUT', 'root/el2/@att', { ifMatch: '"v0"' }),
    412,
    'the change before gave another tag to all parts',
  )
})

test('with a document all its parts are there, with a part all that is in it, and every answer can tell the tag (RFC 4825 section 8.2.7)', () => {
  const shelf = new Shelf(anyUsage)
  const outcome = shelf.ask('PUT', undefined, { body: PLACES })
  assert.ok(outcome.kind === 'write' && outcome.document?.etag)
  assert.equal(shelf.get('root/el2/@att'), 'first')
  const put = shelf.ask('PUT', 'root/el3', { body: '<el3 a="1"><el4/></el3>' })
  assert.ok(put.kind === 'write' && put.document?.etag)
  assert.deepEqual([shelf.get('root/el3/el4'), shelf.get('root/el3/@a')], ['<el4/>', '1'])
  const gone = shelf.ask('DELETE', 'root/el3')
  assert.ok(gone.kind === 'write' && gone.document?.etag)
  assert.equal(shelf.get('root/el3/el4'), 404)
})
