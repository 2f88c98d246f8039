import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ANY, anyUsage, Shelf } from './testing/harness.ts'
import { PREFIXED, SPACES } from './testing/rfc4825.ts'
import type { XcapUsage } from './usage.ts'

// The examples of RFC 4825, written anew by us, and each of its clauses that a server can keep or break: what URIs name.

/** Presence of watchers, as the example of section 6.3 has it. */
const WATCHERINFO: XcapUsage = { ...anyUsage, defaultNamespace: 'urn:ietf:params:xml:ns:watcherinfo' }
const WATCHERS = `<?xml version="1.0"?>
<watcherinfo xmlns="urn:ietf:params:xml:ns:watcherinfo" version="0" state="full">
  <watcher-list resource="sip:professor@example.net" package="presence">
    <watcher status="active" id="8ajksjda7s" duration-subscribed="509" event="approved">sip:userA@example.net</watcher>
    <watcher status="pending" id="hh8juja87s997-ass7" display-name="Mr. Subscriber" event="subscribe">sip:userB@example.org</watcher>
  </watcher-list>
</watcherinfo>`

test('the example of watchers: elements and attributes by position and by attribute (RFC 4825 section 6.3)', () => {
  const shelf = new Shelf(WATCHERINFO, WATCHERS)
  const first = WATCHERS.slice(WATCHERS.indexOf('<watcher status="active"'), WATCHERS.indexOf('</watcher>') + 10)
  assert.equal(shelf.get('watcherinfo/watcher-list/watcher[@id="8ajksjda7s"]'), first)
  assert.equal(shelf.get('watcherinfo/watcher-list/watcher[1]'), first)
  assert.equal(shelf.get('watcherinfo/watcher-list/*[1]'), first)
  assert.equal(shelf.get('watcherinfo/*/watcher[1][@id="8ajksjda7s"]'), first)
  assert.equal(shelf.get('watcherinfo/watcher-list/watcher[2][@id="8ajksjda7s"]'), 404)
  assert.equal(shelf.get('watcherinfo/watcher-list/watcher[@id="8ajksjda7s"]/@duration-subscribed'), '509')
  assert.equal(shelf.get('watcherinfo/watcher-list/watcher[2]/@display-name'), 'Mr. Subscriber')
  assert.equal(shelf.get('watcherinfo/watcher-list/watcher'), 404, 'two are named, and so none is')
  assert.equal(shelf.get('watcherinfo/watcher-list[@package="presence"]/@resource'), 'sip:professor@example.net')
})

test('the example of prefixes: the query binds those of the selector, whatever the document’s are (RFC 4825 section 6.4)', () => {
  const shelf = new Shelf(SPACES, PREFIXED)
  const [one, two, three] = ['urn:test:namespace1-uri', 'urn:test:namespace2-uri', 'urn:test:namespace3-uri']
  assert.equal(shelf.get(`foo/a:bar/b:baz?xmlns(a=${one})xmlns(b=${one})`), '<baz/>')
  assert.equal(
    shelf.get(`foo/a:bar/b:baz?xmlns(a=${one})xmlns(b=${two})`),
    '<ns2:baz xmlns:ns2="urn:test:namespace2-uri"/>',
  )
  assert.equal(shelf.get(`foo/d:hi/there?xmlns(d=${three})`), '<there/>')
  assert.equal(shelf.get(`foo/ns1:bar/ns1:baz?xmlns(ns1=${three})`), 404)
  assert.equal(shelf.get('foo/bar'), 404, 'no prefix is the default document namespace')
})

test('xml is bound to its namespace without the query, and by no query to another (RFC 4825 section 6.4)', () => {
  const shelf = new Shelf(anyUsage, `<root xmlns="${ANY}"><a xml:lang="en"/><b/></root>`)
  assert.equal(shelf.get('root/a/@xml:lang'), 'en')
  assert.equal(shelf.get('root/a[@xml:lang="en"]/@xml:lang'), 'en')
  assert.equal(shelf.get('root/a/@xml:lang?xmlns(xml=urn:other)'), 'en')
  assert.equal(shelf.get('root/a/@l:lang?xmlns(l=http://www.w3.org/XML/1998/namespace)'), 'en')
  assert.equal(shelf.put('root/b/@xml:lang', 'de'), '201')
  assert.equal(shelf.put('root/b/@l:space?xmlns(l=http://www.w3.org/XML/1998/namespace)', 'preserve'), '201')
  assert.equal(shelf.text, `<root xmlns="${ANY}"><a xml:lang="en"/><b xml:space="preserve" xml:lang="de"/></root>`)
})

test('a document is made, replaced, read and taken away (RFC 4825 section 7.1, RFC 4825 section 7.2, RFC 4825 section 7.3)', () => {
  const shelf = new Shelf(anyUsage)
  const text = `<root xmlns="${ANY}"/>`
  assert.deepEqual([shelf.put(undefined, text), shelf.put(undefined, `${text}\n`)], ['201', '200'])
  const read = shelf.ask('GET')
  assert.ok(read.kind === 'read')
  assert.deepEqual(
    [read.mediaType, read.body.toString(), read.etag],
    [anyUsage.mediaType, `${text}\n`, shelf.stored?.etag],
  )
  assert.deepEqual([shelf.delete(), shelf.get()], ['200', 404])
})

test('an element is made, replaced, taken away and read (RFC 4825 section 7.4, RFC 4825 section 7.5, RFC 4825 section 7.6)', () => {
  const shelf = new Shelf(anyUsage, `<root xmlns="${ANY}"/>`)
  assert.deepEqual([shelf.put('root/a', '<a/>'), shelf.put('root/a', '<a i="1"/>')], ['201', '200'])
  const read = shelf.ask('GET', 'root/a')
  assert.ok(read.kind === 'read')
  assert.deepEqual([read.mediaType, read.body.toString()], ['application/xcap-el+xml', '<a i="1"/>'])
  assert.deepEqual([shelf.delete('root/a'), shelf.get('root/a')], ['200', 404])
})

test('an attribute is made, replaced, taken away and read (RFC 4825 section 7.7, RFC 4825 section 7.8, RFC 4825 section 7.9)', () => {
  const shelf = new Shelf(anyUsage, `<root xmlns="${ANY}"/>`)
  assert.deepEqual([shelf.put('root/@a', '1'), shelf.put('root/@a', '2')], ['201', '200'])
  const read = shelf.ask('GET', 'root/@a')
  assert.ok(read.kind === 'read')
  assert.deepEqual([read.mediaType, read.body.toString()], ['application/xcap-att+xml', '2'])
  assert.deepEqual([shelf.delete('root/@a'), shelf.get('root/@a')], ['200', 404])
})
