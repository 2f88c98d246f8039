import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sameUri } from './same-uri.ts'
import { parseSipUri } from './sip-uri.ts'
import { formatTelUri, parseTelUri, telUriOf } from './tel-uri.ts'
import { refuses, sameAgain } from './testing/same-again.ts'

test('global and local numbers are read (the examples of RFC 3966 section 6)', () => {
  const global = parseTelUri('tel:+1-201-555-0123')
  assert.deepEqual(global, {
    number: '+1-201-555-0123',
    isGlobal: true,
    phoneContext: undefined,
    extension: undefined,
    isdnSubaddress: undefined,
    params: new Map(),
  })
  const local = parseTelUri('tel:7042;phone-context=example.com')
  assert.deepEqual([local.number, local.isGlobal, local.phoneContext], ['7042', false, 'example.com'])
  const prefixed = parseTelUri('tel:863-1234;phone-context=+1-914-555')
  assert.equal(prefixed.phoneContext, '+1-914-555')
  for (const uri of [global, local, prefixed]) sameAgain(uri, formatTelUri, parseTelUri)
})

test('extension, subaddress and other parameters are told apart (RFC 3966 section 3)', () => {
  const uri = parseTelUri('TEL:+1(201)555.0123;X=%41;EXT=12-3;isub=a%2Fb;lr')
  assert.deepEqual(
    [uri.extension, uri.isdnSubaddress, [...uri.params]],
    [
      '12-3',
      'a%2Fb',
      [
        ['x', '%41'],
        ['lr', true],
      ],
    ],
  )
  assert.equal(sameAgain(uri, formatTelUri, parseTelUri), 'tel:+1(201)555.0123;isub=a%2Fb;ext=12-3;x=%41;lr')
  assert.equal(parseTelUri('tel:*#AbC;phone-context=[x'.replace('[x', 'a-1.b')).number, '*#AbC')
})

test('what is no tel URI is refused; a local number needs its context (RFC 3966 section 5.1.5)', () => {
  refuses('URI', parseTelUri, [
    'tel:',
    'tel:+',
    'tel:+()-',
    'tel:+12a',
    'tel:7042',
    'tel:7042;phone-context',
    'tel:7042;phone-context=',
    'tel:7042;phone-context=a_b',
    'tel:7042;phone-context=+',
    'tel:7042;phone-context=1.2',
    'tel:+1;ext=x',
    'tel:+1;ext',
    'tel:+1;',
    'tel:+1;a;a',
    'tel:+1;a=',
    'tel:+1;a=%4',
    'tel:+1;a="b"',
    'tel:+1?a=b',
    'tel:+1 2',
    'sip:+1@a',
    `tel:+${'1'.repeat(1100)}`,
  ])
})

test('numbers are compared digit by digit, with their parameters (RFC 3966 section 4)', () => {
  for (const [a, b] of [
    ['tel:+1-201-555-0123', 'TEL:+1(201)5550123'],
    ['tel:+1;a=b;ext=12', 'tel:+1;ext=1-2;A=B'],
    ['tel:7;phone-context=Example.COM', 'tel:7;phone-context=example.com'],
    ['tel:7;phone-context=+1-914', 'tel:7;phone-context=+1914'],
    ['tel:a7;phone-context=x', 'tel:A7;phone-context=x'],
  ] as const) {
    assert.ok(sameUri(a, b) && sameUri(b, a), `${a} ${b}`)
  }
  for (const [a, b] of [
    ['tel:+1', 'tel:1;phone-context=+1'],
    ['tel:+1', 'tel:+1;ext=1'],
    ['tel:+1;a', 'tel:+1'],
    ['tel:+1;a', 'tel:+1;a=b'],
    ['tel:+1;a', 'tel:+1;b'],
    ['tel:+12', 'tel:+13'],
    ['tel:7;phone-context=a', 'tel:7;phone-context=b'],
    ['tel:+1', 'sip:+1@a;user=phone'],
  ] as const) {
    assert.ok(!sameUri(a, b) && !sameUri(b, a), `${a} ${b}`)
  }
  // RFC 3261 section 19.1.4
  assert.ok(sameUri('sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'))
  assert.ok(!sameUri('sip:a@b', 'sips:a@b'))
  assert.ok(sameUri('urn:x', 'URN:x'))
})

test('a SIP URI with user=phone is the tel URI of its user part (the example of RFC 3261 section 19.1.6)', () => {
  const telOf = (text: string): string | undefined => {
    const uri = telUriOf(parseSipUri(text))
    return uri && formatTelUri(uri)
  }
  assert.equal(telOf('sip:+358-555-1234567;postd=pp22@foo.com;user=phone'), 'tel:+358-555-1234567;postd=pp22')
  assert.equal(telOf('sip:%2321;phone-context=a.b@foo.com;USER=Phone'), 'tel:#21;phone-context=a.b')
  for (const text of ['sip:+1@foo.com', 'sip:alice@foo.com;user=phone', 'sip:foo.com;user=phone', 'sip:1@a;user=ip']) {
    assert.equal(telOf(text), undefined, text)
  }
})
