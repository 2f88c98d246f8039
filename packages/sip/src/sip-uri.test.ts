import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SipSyntaxError } from './errors.ts'
import { URI_OCTETS_MAX } from './limits.ts'
import { formatSipUri, parseSipUri, sameSipUri } from './sip-uri.ts'

test('reads the examples of RFC 3261 section 19.1.3 and writes them back', () => {
  for (const text of [
    'sip:alice@atlanta.com',
    'sip:alice:secretword@atlanta.com;transport=tcp',
    'sips:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:+1-212-555-1212:1234@gateway.com;user=phone',
    'sips:1212@gateway.com',
    'sip:alice@192.0.2.4',
    'sip:atlanta.com;method=REGISTER?to=alice%40atlanta.com',
    'sip:alice;day=tuesday@atlanta.com',
    'sip:[2001:db8::1]:5070;lr',
  ]) {
    assert.equal(formatSipUri(parseSipUri(text)), text)
  }
})

test('the parts of a URI are told apart (RFC 3261 section 19.1.1)', () => {
  assert.deepEqual(parseSipUri('SIP:a;b?c/d:p$@H.example:5070;LR;x=[1]:2?y=z&w='), {
    scheme: 'sip',
    user: 'a;b?c/d',
    password: 'p$',
    host: 'H.example',
    port: 5070,
    params: new Map<string, string | true>([
      ['lr', true],
      ['x', '[1]:2'],
    ]),
    headers: 'y=z&w=',
  })
  assert.deepEqual(parseSipUri('sips:h'), {
    scheme: 'sips',
    user: undefined,
    host: 'h',
    port: undefined,
    params: new Map(),
    headers: undefined,
  })
})

test('what is no SIP URI is refused', () => {
  for (const text of [
    '',
    'sip',
    'sip:',
    'tel:+15550100',
    'sip:@a',
    'sip:a@',
    'sip:a@b@c',
    'sip::p@b',
    'sip:a b@c',
    'sip:a"b@c',
    'sip:a%4@b',
    'sip:a%zz@b',
    'sip:a:b:c@d',
    'sip:a@b:',
    'sip:a@b:x',
    'sip:a@b:123456',
    'sip:a@b;',
    'sip:a@b;;lr',
    'sip:a@b;=x',
    'sip:a@b;x=',
    'sip:a@b;x="y"',
    'sip:a@b;lr;LR',
    'sip:a@b;x=%',
    'sip:a@b?',
    'sip:a@b?x=<y>',
    'sip:a@b/c',
    'sip:a@[b]',
    'sip:a\0@b',
    'sip:\xe4@b',
    `sip:${'a'.repeat(URI_OCTETS_MAX)}`,
  ]) {
    assert.throws(() => parseSipUri(text), SipSyntaxError, text)
  }
})

test('URIs that are the same (the examples of RFC 3261 section 19.1.4)', () => {
  for (const [a, b] of [
    ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtLanTa.CoM;Transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
    ['sip:carol@chicago.com;newparam=5', 'sip:carol@chicago.com;security=on'],
    [
      'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
      'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
    ],
    [
      'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
      'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
    ],
    ['tel:+15550100', 'TEL:+15550100'],
    ['sip:a%2fb@c', 'sip:a%2Fb@c'],
  ] as const) {
    assert.ok(sameSipUri(a, b), `${a} ${b}`)
    assert.ok(sameSipUri(b, a), `${b} ${a}`)
  }
})

test('URIs that are not the same (the examples of RFC 3261 section 19.1.4)', () => {
  for (const [a, b] of [
    ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtLanTa.CoM;Transport=UDP'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
    ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
    ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
    ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
    ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
    ['sip:a@b;user=phone', 'sip:a@b'],
    ['sip:a@b;maddr=c', 'sip:a@b'],
    ['sip:a@b;lr', 'sip:a@b;lr=x'],
    ['sip:a@b', 'sips:a@b'],
    ['sip:a@b', 'sip:b'],
    ['sip:a:x@b', 'sip:a:X@b'],
    ['sip:a@b?x=y', 'sip:a@b?x=y&x=y'],
    ['sip:a@b', 'tel:+1'],
    ['tel:+15550100', 'tel:+15550101'],
    ['not a uri', 'not another'],
  ] as const) {
    assert.ok(!sameSipUri(a, b), `${a} ${b}`)
    assert.ok(!sameSipUri(b, a), `${b} ${a}`)
  }
})

test('an escaped reserved character is another than a bare one (RFC 3261 section 19.1.4)', () => {
  for (const [a, b] of [
    ['sip:a%3Bday=tuesday@b', 'sip:a;day=tuesday@b'],
    ['sip:a%2Fb@c', 'sip:a/b@c'],
    ['sip:a%253B@b', 'sip:a%3B@b'],
    ['sip:a%2541@b', 'sip:a%41@b'],
  ] as const) {
    assert.ok(!sameSipUri(a, b), `${a} ${b}`)
  }
})
