import assert from 'node:assert/strict'
import { test } from 'node:test'
import { formatAuth, parseAuth, parseAuthenticationInfo } from './auth.ts'
import { parseCseq } from './cseq.ts'
import { parseDeltaSeconds, parseRetryAfter } from './delta-seconds.ts'
import { SipSyntaxError } from './errors.ts'
import { formatEvent, parseEvent, sameEvent } from './event.ts'
import { formatSubscriptionState, parseSubscriptionState } from './subscription-state.ts'

test('CSeq is a number below 2^31 and a method (RFC 3261 section 8.1.1.5)', () => {
  // RFC 3261 section 20.16
  assert.deepEqual(parseCseq('4711 INVITE'), { sequence: 4711, method: 'INVITE' })
  assert.deepEqual(parseCseq('0009  \t NOTIFY'), { sequence: 9, method: 'NOTIFY' })
  assert.deepEqual(parseCseq('2147483647 X'), { sequence: 2147483647, method: 'X' })
  for (const text of [
    '',
    '1',
    'INVITE',
    '1INVITE',
    '-1 X',
    '1 X Y',
    '1 X;',
    '2147483648 X',
    '36893488147419103232 X',
  ]) {
    assert.throws(() => parseCseq(text), SipSyntaxError, text)
  }
})

test('seconds are digits; what is beyond 2^32-1 is that (RFC 3261 section 20.19)', () => {
  assert.equal(parseDeltaSeconds('0'), 0)
  assert.equal(parseDeltaSeconds('007'), 7)
  assert.equal(parseDeltaSeconds('9'.repeat(400)), 2 ** 32 - 1)
  for (const text of ['', '-1', '+1', '1.0', '1 0', '1e3', '\u0661', 'x']) {
    assert.throws(
      () => parseDeltaSeconds(text, 'Expires'),
      (error) => error instanceof SipSyntaxError && error.header === 'Expires',
    )
  }
})

test('Retry-After may have a comment and a duration (RFC 3261 section 20.33)', () => {
  assert.equal(parseRetryAfter('18000;duration=3600'), 18_000)
  assert.equal(parseRetryAfter('120 (I am in a meeting)'), 120)
  for (const text of ['', '(5)', '5 6', 'x']) assert.throws(() => parseRetryAfter(text), SipSyntaxError)
})

test('Event names a package with its templates, and perhaps an id (RFC 6665 section 8.4)', () => {
  const event = parseEvent('presence.winfo ; ID=7;x')
  assert.equal(event.package, 'presence.winfo')
  assert.equal(event.id, '7')
  assert.equal(formatEvent(event), 'presence.winfo;id=7;x')
  assert.equal(formatEvent({ package: 'presence' }), 'presence')
  assert.equal(formatEvent({ ...event, id: undefined }), 'presence.winfo;x')
  for (const text of ['', ';id=1', 'presence;id', 'presence;id=', 'pres ence', 'presence, reg', 'presence\0']) {
    assert.throws(() => parseEvent(text), SipSyntaxError, text)
  }
})

test('subscriptions are told apart by package and id (RFC 6665 section 8.2.1)', () => {
  assert.ok(sameEvent(parseEvent('presence;id=1;x'), parseEvent('presence;id=1')))
  assert.ok(!sameEvent(parseEvent('presence;id=1'), parseEvent('presence')))
  assert.ok(!sameEvent(parseEvent('presence'), parseEvent('Presence')))
  assert.ok(!sameEvent(parseEvent('presence'), parseEvent('presence.winfo')))
})

test('Subscription-State is read and written (RFC 6665 section 8.4)', () => {
  assert.deepEqual(parseSubscriptionState('Active ; expires=3599'), { state: 'active', expiresSeconds: 3599 })
  assert.deepEqual(parseSubscriptionState('terminated;reason=Probation;retry-after=30;x=y'), {
    state: 'terminated',
    reason: 'probation',
    retryAfterSeconds: 30,
  })
  for (const text of ['active;expires=60', 'terminated;reason=timeout', 'terminated;reason=giveup;retry-after=5']) {
    assert.equal(formatSubscriptionState(parseSubscriptionState(text)), text)
  }
  for (const text of ['', ';expires=1', 'active;expires=x', 'active;expires=1;expires=2', 'a b']) {
    assert.throws(() => parseSubscriptionState(text), SipSyntaxError, text)
  }
})

test('an AKA challenge is read and written (RFC 3310 section 3, RFC 2617 section 3.2.1)', () => {
  // RFC 2617 section 3.2
  const text =
    'Digest realm="ims.example.com",nonce="LTE/ab+c==",qop="auth,auth-int",opaque="a \\"b\\"",algorithm=AKAv1-MD5'
  const auth = parseAuth(text, 'WWW-Authenticate')
  assert.equal(auth.scheme, 'Digest')
  assert.deepEqual(auth.params.get('qop'), { value: 'auth,auth-int', quoted: true })
  assert.deepEqual(auth.params.get('opaque'), { value: 'a "b"', quoted: true })
  assert.deepEqual(auth.params.get('algorithm'), { value: 'AKAv1-MD5', quoted: false })
  assert.equal(formatAuth(auth), text)
})

test('the empty nonce and response of a first REGISTER are there, not absent (TS 24.229 clause 5.1.1.2)', () => {
  const { params } = parseAuth('Digest username="u@r" , realm="r",\tNONCE="", uri="sip:r", response = ""')
  assert.deepEqual([...params.keys()], ['username', 'realm', 'nonce', 'uri', 'response'])
  assert.deepEqual(params.get('nonce'), { value: '', quoted: true })
})

test('Authentication-Info has parameters only (RFC 3261 section 20.6)', () => {
  const info = parseAuthenticationInfo('rspauth="abc", nc=00000001')
  assert.deepEqual([...info.params.keys()], ['rspauth', 'nc'])
  assert.equal(formatAuth(info), 'rspauth="abc",nc=00000001')
})

test('credentials that are none are refused', () => {
  for (const text of [
    '',
    'Digest',
    'Digest ',
    'Digest x',
    'Digest x=',
    'Digest =y',
    'Digest x="y',
    'Digest x=y,',
    'Digest x=y,,z=w',
    'Digest x=y z=w',
    'Digest username="a",USERNAME="b"',
    'Digest x=y;z=w',
    `Digest ${Array.from({ length: 65 }, (_, at) => `p${at}=1`).join(',')}`,
  ]) {
    assert.throws(() => parseAuth(text), SipSyntaxError, text)
  }
})
