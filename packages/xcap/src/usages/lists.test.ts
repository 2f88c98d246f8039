import assert from 'node:assert/strict'
import { test } from 'node:test'
import { childElements, parseXml } from '@rollcall/xml'
import { Shelf } from '../testing/harness.ts'
import { DOCUMENT_LIMITS, type XcapUsage } from '../usage.ts'
import { RESOURCE_LISTS_USAGE } from './resource-lists.ts'
import { globalServices, rlsServicesUsage } from './rls-services.ts'

const lists = (inner: string): string =>
  `<resource-lists xmlns="urn:ietf:params:xml:ns:resource-lists" xmlns:x="urn:x">${inner}</resource-lists>`
const services = (inner: string): string =>
  `<rls-services xmlns="urn:ietf:params:xml:ns:rls-services" xmlns:rl="urn:ietf:params:xml:ns:resource-lists" xmlns:x="urn:x">${inner}</rls-services>`
const LIST_URI =
  'https://xcap.example.com/resource-lists/users/sip:alice@example.com/index/~~/resource-lists/list%5b@name=%22l1%22%5d'
const ENTRY = 'resource-lists/users/sip:joe@example.com/index/~~/resource-lists/list%5b1%5d/entry%5b1%5d'

const put = (text: string): string => new Shelf(RESOURCE_LISTS_USAGE).put(undefined, text)
const putServices = (text: string, isTaken?: (uri: string) => boolean): string =>
  new Shelf(rlsServicesUsage(isTaken ? { isTaken } : {})).put(undefined, text)

test('lists hold lists, entries, references and external ones in any order, extensions behind them (RFC 4826 section 3.1, RFC 4826 section 3.2)', () => {
  const entry = '<entry uri="sip:a@example.com"><display-name xml:lang="en">A</display-name><x:e/></entry>'
  for (const inner of [
    '',
    '<list/>',
    `<list name="friends" x:a="1"><display-name>F</display-name>${entry}<list name="close">${entry}</list><x:e/><x:f/></list>`,
    `<list><entry-ref ref="${ENTRY}"/><external anchor="${LIST_URI}"><display-name>E</display-name></external>${entry}</list>`,
  ]) {
    assert.equal(put(lists(inner)), '201', inner)
  }
  for (const inner of [
    entry,
    '<list>text</list>',
    '<list><entry/></list>',
    '<list><external/></list>',
    '<list><entry-ref/></list>',
    `<list>${entry}<display-name>late</display-name></list>`,
    `<list><x:e/>${entry}</list>`,
    '<list><entry uri="sip:a@b" other="1"/></list>',
    '<list><person/></list>',
  ]) {
    assert.equal(put(lists(inner)), '409 schema-validation-error', inner)
  }
})

test('names, URIs, references and anchors are there once in a list, and may be again in another (RFC 4826 section 3.4.5)', () => {
  const twice = (one: string): string => `${one}${one}`
  for (const inner of [
    twice('<list name="a"/>'),
    `<list name="a">${twice('<list name="b"/>')}</list>`,
    `<list>${twice('<entry uri="sip:a@b"/>')}</list>`,
    `<list>${twice(`<entry-ref ref="${ENTRY}"/>`)}</list>`,
    `<list>${twice(`<external anchor="${LIST_URI}"/>`)}</list>`,
  ]) {
    assert.equal(put(lists(inner)), '409 uniqueness-failure', inner)
  }
  for (const inner of [
    twice('<list/>'),
    '<list name="a"/><list name="A"/>',
    '<list name="a"><list name="a"><entry uri="sip:a@b"/></list><entry uri="sip:a@b"/></list>',
  ]) {
    assert.equal(put(lists(inner)), '201', inner)
  }
})

test('a reference is relative to the XCAP root, an anchor an HTTP URI, and both lead to lists (RFC 4826 section 3.1, RFC 4826 section 3.4.5)', () => {
  for (const ref of [
    `/${ENTRY}`,
    `https://xcap.example.com/${ENTRY}`,
    'other/users/sip:a@b/index/~~/a',
    'resource-lists/global/index',
    'x',
  ]) {
    assert.equal(put(lists(`<list><entry-ref ref="${ref}"/></list>`)), '409 constraint-failure', ref)
  }
  for (const anchor of ['sip:a@b', 'resource-lists/users/a/index', 'https://xcap.example.com/other/users/a/index']) {
    assert.equal(put(lists(`<list><external anchor="${anchor}"/></list>`)), '409 constraint-failure', anchor)
  }
})

test('a service is a list or leads to one, for some packages or for all (RFC 4826 section 4.2)', () => {
  const list = '<list name="marketing"><rl:entry uri="sip:joe@example.com"/><rl:list name="x"/></list>'
  for (const inner of [
    '',
    `<service uri="sip:a@b">${list}</service>`,
    `<service uri="sip:a@b"><resource-list>${LIST_URI}</resource-list><packages><package>presence</package><x:e/></packages><x:e/></service>`,
  ]) {
    assert.equal(putServices(services(inner)), '201', inner)
  }
  for (const inner of [
    '<service/>',
    '<service uri="sip:a@b"/>',
    `<service>${list}</service>`,
    `<service uri="sip:a@b">${list}${list}</service>`,
    '<service uri="sip:a@b"><list><entry uri="sip:a@b"/></list></service>',
    '<service uri="sip:a@b"><list><rl:person/></list></service>',
    `<service uri="sip:a@b">${list}<packages>presence</packages></service>`,
  ]) {
    assert.equal(putServices(services(inner)), '409 schema-validation-error', inner)
  }
})

test('the URI of a service is nobody else’s, and its list is told by an HTTP URI of the user’s own tree (RFC 4826 section 4.1, RFC 4826 section 4.4.5)', () => {
  const service = (uri: string, inner = '<list/>'): string => `<service uri="${uri}">${inner}</service>`
  assert.equal(putServices(services(service('sip:a@b') + service('sip:a@b'))), '409 uniqueness-failure')
  assert.equal(
    putServices(services(service('sip:a@b')), (uri) => uri === 'sip:a@b'),
    '409 uniqueness-failure',
  )
  assert.equal(
    putServices(services(service('sip:a@b')), () => false),
    '201',
  )
  const list = (uri: string): string =>
    putServices(services(service('sip:a@b', `<resource-list>${uri}</resource-list>`)))
  assert.equal(list(LIST_URI.replace('.com/', '.com/services/')), '201')
  const [foreign, whole, otherScheme] = [
    LIST_URI.replace('alice', 'bob'),
    LIST_URI.replace(/\/~~.*/, ''),
    LIST_URI.replace('https:', 'ftp:'),
  ]
  for (const uri of ['sip:x@y', foreign, whole, otherScheme]) assert.equal(list(uri), '409 constraint-failure', uri)
  const twice = '<list><rl:entry uri="sip:x@y"/><rl:entry uri="sip:x@y"/></list>'
  assert.equal(putServices(services(service('sip:a@b', twice))), '409 uniqueness-failure')
})

test('the example: a service that exists is told with another URI to take (RFC 4825 section 11.1)', () => {
  const shelf = new Shelf(rlsServicesUsage({ isTaken: (uri) => uri === 'sip:friends@example.com' }))
  const outcome = shelf.ask('PUT', undefined, {
    body: services('<service uri="sip:friends@example.com"><list/></service>'),
  })
  assert.ok(outcome.kind === 'conflict')
  assert.match(
    outcome.body.toString(),
    /<exists field="rls-services\/service%5B1%5D\/@uri"><alt-value>sip:friends-2@example\.com<\/alt-value><\/exists>/,
  )
})

test('the global document has the services of all, whatever their prefixes are (RFC 4826 section 4.4.8)', () => {
  const one = services('<service uri="sip:a@b"><list><rl:entry uri="sip:x@y"/></list></service>')
  const other =
    '<s:rls-services xmlns:s="urn:ietf:params:xml:ns:rls-services"><s:service uri="sip:c@d"><s:list/></s:service></s:rls-services>'
  const all = globalServices([Buffer.from(one), Buffer.from(other)])
  assert.equal(putServices(all.toString()), '201')
  const found = childElements(parseXml(all, DOCUMENT_LIMITS))
  assert.deepEqual(
    found.map(({ name, namespace, attributes }) => [namespace, name, attributes[0]?.value]),
    ['sip:a@b', 'sip:c@d'].map((uri) => ['urn:ietf:params:xml:ns:rls-services', 'service', uri]),
  )
})

test('lists and services are application usages of XCAP (RFC 4826 section 3.4, RFC 4826 section 4.4)', () => {
  const facts = ({ auid, mediaType, defaultNamespace, trees }: XcapUsage): unknown => [
    auid,
    mediaType,
    defaultNamespace,
    trees,
  ]
  assert.deepEqual(facts(RESOURCE_LISTS_USAGE), [
    'resource-lists',
    'application/resource-lists+xml',
    'urn:ietf:params:xml:ns:resource-lists',
    ['users'],
  ])
  assert.deepEqual(facts(rlsServicesUsage()), [
    'rls-services',
    'application/rls-services+xml',
    'urn:ietf:params:xml:ns:rls-services',
    ['users', 'global'],
  ])
})

test('the example of services: one leads to a list, one has its own (RFC 4826 section 4.3)', () => {
  const inner =
    `<service uri="sip:mybuddies@example.com"><resource-list>${LIST_URI}</resource-list>` +
    '<packages><package>presence</package></packages></service>' +
    '<service uri="sip:marketing@example.com"><list name="marketing"><rl:entry uri="sip:joe@example.com"/>' +
    '<rl:entry uri="sip:sudhir@example.com"/></list><packages><package>presence</package></packages></service>'
  const shelf = new Shelf(rlsServicesUsage())
  assert.equal(shelf.put(undefined, services(inner)), '201')
  const joe = 'rls-services/service[@uri="sip:marketing@example.com"]/list/rl:entry[1]/@uri'
  assert.equal(shelf.get(`${joe}?xmlns(rl=urn:ietf:params:xml:ns:resource-lists)`), 'sip:joe@example.com')
})

test('white space around a URI makes no other one of it, that in the name of a list does (RFC 4826 section 3.4.5)', () => {
  const spaced = '<service uri="sip:a@b"><list/></service><service uri=" sip:a@b "><list/></service>'
  assert.match(putServices(services(spaced)), /^409 uniqueness-failure/)
  assert.match(
    putServices(services('<service uri=" sip:taken@b"><list/></service>'), (uri) => uri === 'sip:taken@b'),
    /^409/,
  )
})
