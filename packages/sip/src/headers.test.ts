import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipSyntaxError } from './errors.ts'
import { SipHeaders } from './headers.ts'
import { LIST_ELEMENTS_MAX } from './limits.ts'

const VIAS: [string, string][] = [
  ['Via', 'SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2'],
  ['To', '<sip:a>'],
  ['v', 'SIP/2.0/UDP c;branch=3'],
]

function lines(headers: SipHeaders): string[] {
  return [...headers.entries()].map(([name, value]) => `${name}: ${value}`)
}

test('a field is found by any spelling and by its compact form (RFC 3261 section 7.3.3)', () => {
  const headers = new SipHeaders([
    ['i', '1'],
    ['call-id', '2'],
    ['X-Own', '3'],
  ])
  for (const name of ['Call-ID', 'CALL-ID', 'i', 'I']) assert.deepEqual(headers.getAll(name), ['1', '2'])
  assert.equal(headers.get('x-oWN'), '3')
  assert.equal(headers.has('Via'), false)
  assert.equal(headers.get('Via'), undefined)
  assert.deepEqual(lines(headers), ['Call-ID: 1', 'Call-ID: 2', 'X-Own: 3'])
})

test('names of objects are no header fields that are there', () => {
  const headers = new SipHeaders()
  for (const name of ['constructor', '__proto__', 'toString']) assert.equal(headers.get(name), undefined)
  headers.set('__proto__', 'x')
  assert.equal(headers.get('__PROTO__'), 'x')
})

test('a list is all lines, split at top-level commas (RFC 3261 section 7.3.1)', () => {
  const headers = new SipHeaders([
    ['Contact', '"a, \\" b" <sip:a,b@c;x=1>;q="1,2" ,\t<sip:d>'],
    ['Contact', ''],
    ['m', '<sip:e>'],
  ])
  assert.deepEqual(headers.list('Contact'), ['"a, \\" b" <sip:a,b@c;x=1>;q="1,2"', '<sip:d>', '<sip:e>'])
})

test('an empty element breaks a list (RFC 4475 section 3.1.2.1)', () => {
  for (const value of [',', 'a,', ',a', 'a,,b', 'a, ,b']) {
    assert.throws(() => new SipHeaders([['Supported', value]]).list('Supported'), SipSyntaxError)
  }
})

test('a list has a bound', () => {
  const headers = new SipHeaders([['Route', Array(LIST_ELEMENTS_MAX).fill('<sip:a;lr>').join(',')]])
  assert.equal(headers.list('Route').length, LIST_ELEMENTS_MAX)
  headers.add('Route', '<sip:b;lr>')
  assert.throws(() => headers.list('Route'), SipSyntaxError)
})

test('the topmost Via is taken away from a list and from a line of its own', () => {
  const headers = new SipHeaders(VIAS)
  assert.equal(headers.removeFirst('Via'), 'SIP/2.0/UDP a;branch=1')
  assert.deepEqual(lines(headers), ['Via: SIP/2.0/UDP b;branch=2', 'To: <sip:a>', 'Via: SIP/2.0/UDP c;branch=3'])
  assert.equal(headers.removeFirst('Via'), 'SIP/2.0/UDP b;branch=2')
  assert.equal(headers.removeFirst('Via'), 'SIP/2.0/UDP c;branch=3')
  assert.equal(headers.removeFirst('Via'), undefined)
  assert.deepEqual(lines(headers), ['To: <sip:a>'])
})

test('prepend, add and set keep the order among other fields', () => {
  const headers = new SipHeaders([
    ['Max-Forwards', '70'],
    ['Via', 'a'],
    ['To', 'x'],
    ['Via', 'b'],
    ['From', 'y'],
  ])
  headers.prepend('Via', '0')
  headers.add('v', 'c')
  headers.prepend('Route', 'r')
  headers.set('max-forwards', '69')
  assert.deepEqual(lines(headers), [
    'Route: r',
    'Max-Forwards: 69',
    'Via: 0',
    'Via: a',
    'To: x',
    'Via: b',
    'Via: c',
    'From: y',
  ])
  headers.setAll('Via', ['1', '2'])
  headers.set('Expires', '3')
  headers.remove('Route')
  assert.deepEqual(lines(headers), ['Max-Forwards: 69', 'Via: 1', 'Via: 2', 'To: x', 'From: y', 'Expires: 3'])
  headers.set('Via', '3')
  headers.setAll('To', [])
  assert.deepEqual(lines(headers), ['Max-Forwards: 69', 'Via: 3', 'From: y', 'Expires: 3'])
})

test('a clone goes its own way', () => {
  const headers = new SipHeaders(VIAS)
  const copy = headers.clone()
  copy.removeFirst('Via')
  copy.add('X', 'y')
  assert.deepEqual(lines(headers), lines(new SipHeaders(VIAS)))
  assert.equal(copy.size, 4)
})

test('no value makes a line of its own, nor does one beyond an octet that would be cut to a line feed', () => {
  const headers = new SipHeaders(VIAS)
  for (const value of ['a\r\nX: b', 'a\nX: b', 'a\rb', 'a\u010aX: b', '\u{1f600}']) {
    assert.throws(() => headers.set('Subject', value), SipSyntaxError)
    assert.throws(() => headers.set('To', value), SipSyntaxError)
    assert.throws(() => headers.add('Subject', value), SipSyntaxError)
    assert.throws(() => headers.prepend('Subject', value), SipSyntaxError)
    assert.throws(() => headers.setAll('Via', ['ok', value]), SipSyntaxError)
    assert.throws(() => new SipHeaders([['Subject', value]]), SipSyntaxError)
  }
  for (const name of ['', 'a b', 'a:', 'a\r\nb', '\u00e4']) {
    assert.throws(() => headers.set(name, 'x'), SipSyntaxError)
    assert.throws(() => headers.add(name, 'x'), SipSyntaxError)
  }
  assert.deepEqual(lines(headers), lines(new SipHeaders(VIAS)))
})
