import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipSyntaxError } from './errors.ts'
import { formatVia, parseVia } from './via.ts'

test('reads a Via with its parameters and writes it back (RFC 3261 section 20.42)', () => {
  const text = 'SIP/2.0/UDP [2001:db8::9:1]:5070;received=[2001:db8::9:255];branch=z9hG4bKas3-111;rport;ttl=16'
  const via = parseVia(text)
  assert.deepEqual(via, {
    transport: 'UDP',
    host: '[2001:db8::9:1]',
    port: 5070,
    params: new Map<string, string | true>([
      ['received', '[2001:db8::9:255]'],
      ['branch', 'z9hG4bKas3-111'],
      ['rport', true],
      ['ttl', '16'],
    ]),
  })
  assert.equal(formatVia(via), text)
  // Some write received without brackets (RFC 5118 section 4.5 allows it to be read).
  assert.equal(parseVia('SIP/2.0/UDP a;received=2001:db8::1').params.get('received'), '2001:db8::1')
})

test('a Via may have blanks where its grammar has them', () => {
  const via = parseVia('sip\t/ 2.0 /  TLS \t pc33.atlanta.com:5061 ;  Branch  =  z9hG4bKx ; hidden')
  assert.equal(via.transport, 'TLS')
  assert.equal(via.port, 5061)
  assert.equal(via.params.get('branch'), 'z9hG4bKx')
  assert.equal(via.params.get('hidden'), true)
})

test('what is no Via is refused', () => {
  for (const text of [
    '',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/ a',
    'SIP/3.0/UDP a',
    'SIP/2.0 a',
    'HTTP/2.0/UDP a',
    'SIP/2.0/UDP;branch=x',
    'SIP/2.0/UDP a b',
    'SIP/2.0/UDP a:b',
    'SIP/2.0/UDP a:',
    'SIP/2.0/UDP a:0',
    'SIP/2.0/UDP a:65536',
    'SIP/2.0/UDP a: 5060',
    'SIP/2.0/UDP [::1',
    'SIP/2.0/UDP []',
    'SIP/2.0/UDP [x]',
    'SIP/2.0/UDP a_b',
    'SIP/2.0/UDP 192.0.2.15;;,;,,',
    'SIP/2.0/UDP a;',
    'SIP/2.0/UDP a;=x',
    'SIP/2.0/UDP a;branch=',
    'SIP/2.0/UDP a;branch=x y',
    'SIP/2.0/UDP a;branch="x',
    'SIP/2.0/UDP a;branch=x;BRANCH=y',
    `SIP/2.0/UDP a${Array.from({ length: 65 }, (_, at) => `;p${at}`).join('')}`,
  ]) {
    assert.throws(() => parseVia(text), SipSyntaxError, text)
  }
})
