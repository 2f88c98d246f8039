import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipSyntaxError } from './errors.ts'
import { URI_OCTETS_MAX } from './limits.ts'
import { formatNameAddr, type NameAddr, parseNameAddr } from './name-addr.ts'
import { quote, unquote } from './quoted-string.ts'

function nameAddr(displayName: string | undefined, uri: string, ...params: [string, string | true][]): NameAddr {
  return { displayName, uri, params: new Map(params) }
}

test('reads the forms of From, To, Contact and Route (RFC 3261 section 20.10)', () => {
  const cases: [string, NameAddr][] = [
    ['<sip:alice@a.com>', nameAddr(undefined, 'sip:alice@a.com')],
    ['<sip:alice@a.com;x=y>;tag=1', nameAddr(undefined, 'sip:alice@a.com;x=y', ['tag', '1'])],
    ['sip:alice@a.com;tag=1', nameAddr(undefined, 'sip:alice@a.com', ['tag', '1'])],
    ['sip:alice@a.com ; tag=1', nameAddr(undefined, 'sip:alice@a.com', ['tag', '1'])],
    ['tel:+1-555-0100', nameAddr(undefined, 'tel:+1-555-0100')],
    ['Bob T. <sip:b>', nameAddr('Bob T.', 'sip:b')],
    ['Bob<sip:b>', nameAddr('Bob', 'sip:b')],
    ['"Bob <sip:x>; \\"B\\\\\\"" <sip:b>;TAG=1', nameAddr('Bob <sip:x>; "B\\"', 'sip:b', ['tag', '1'])],
    ['""<sip:b>', nameAddr('', 'sip:b')],
    [' \t<sip:b>', nameAddr(undefined, 'sip:b')],
    [
      '<sip:b>;+sip.instance="<urn:gsma:imei:1;2>";expires=3600;lr',
      nameAddr(undefined, 'sip:b', ['+sip.instance', '"<urn:gsma:imei:1;2>"'], ['expires', '3600'], ['lr', true]),
    ],
    ['<http://a/b?c,d;e>', nameAddr(undefined, 'http://a/b?c,d;e')],
  ]
  for (const [text, value] of cases) {
    assert.deepEqual(parseNameAddr(text), value, text)
    assert.deepEqual(parseNameAddr(formatNameAddr(value)), value, text)
  }
})

test('a URI with a comma, question mark or semicolon needs angle brackets (RFC 3261 section 20)', () => {
  assert.throws(() => parseNameAddr('sip:a,b@c'), SipSyntaxError)
  assert.throws(() => parseNameAddr('sip:a@b?c=d'), SipSyntaxError)
  assert.equal(parseNameAddr('sip:a@b;lr').params.get('lr'), true)
  assert.equal(parseNameAddr('<sip:a@b;lr>').params.has('lr'), false)
})

test('what is no name-addr is refused, with the name of its header; a URI has a scheme (RFC 3986 section 3.1)', () => {
  for (const text of [
    '',
    '*',
    '<>',
    '<sip:>',
    '<:a>',
    '<alice@a.com>',
    'alice',
    '<sip:a',
    'sip:a>',
    '<sip:a b>',
    '< sip:a>',
    '<sip:<a>>',
    '<sip:a\0>',
    '<sip:\xe4>',
    '"a<sip:a>',
    '"a" sip:a',
    '"a" b <sip:a>',
    'a@b <sip:a>',
    '<sip:a>x',
    '<sip:a>;tag=1;tag=2',
    '<sip:a>, <sip:b>',
    `<sip:${'a'.repeat(URI_OCTETS_MAX)}>`,
  ]) {
    assert.throws(
      () => parseNameAddr(text, 'P-Asserted-Identity'),
      (error) =>
        error instanceof SipSyntaxError && error.header === 'P-Asserted-Identity' && error.code === 'SIP_SYNTAX',
      text,
    )
  }
})

test('quoting and its undoing are inverse (RFC 3261 section 25.1)', () => {
  for (const text of ['', 'a', '"', '\\', 'a"\\"b', '\\\\"', '\x00\xff']) assert.equal(unquote(quote(text)), text)
  assert.equal(unquote('"\\a\\\\"'), 'a\\')
  for (const text of ['', '"', 'a', '"a', 'a"']) assert.equal(unquote(text), text)
})
