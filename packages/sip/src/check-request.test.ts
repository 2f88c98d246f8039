import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkRequest } from './check-request.ts'
import { SipSyntaxError } from './errors.ts'
import type { SipRequest } from './message.ts'
import {
  callId,
  cseq,
  entityTag,
  expires,
  from,
  fromTag,
  maxForwards,
  minExpires,
  optionTags,
  to,
  tokens,
  topBranch,
  topVia,
  toTag,
} from './message-fields.ts'
import { parseMessage } from './parse-message.ts'
import { REGISTER_WITH_OFFERS, RFC3261_REGISTER, SUBSCRIBE, TORTUOUS_SUBSCRIBE, wire } from './vectors/messages.ts'

function parse(head: string): SipRequest {
  return parseMessage(wire(head)) as SipRequest
}

/** The SUBSCRIBE with the line that starts with `name` replaced; without `line` it is gone. */
function changed(name: string, line?: string): SipRequest {
  const lines = SUBSCRIBE.split('\n').filter((each) => !each.startsWith(`${name}:`))
  return parse([...lines, ...(line === undefined ? [] : [line])].join('\n'))
}

function refusedFor(header: string): (error: unknown) => boolean {
  return (error) => error instanceof SipSyntaxError && error.header === header
}

test('what was checked comes back as it was read', () => {
  const request = parse(SUBSCRIBE)
  const fields = checkRequest(request)
  assert.deepEqual(fields, {
    via: topVia(request),
    branch: topBranch(request),
    from: from(request),
    fromTag: fromTag(request),
    to: to(request),
    toTag: undefined,
    callId: callId(request),
    cseq: cseq(request),
  })
})

test('requests that hold what they must pass (RFC 3261 section 8.1.1)', () => {
  for (const head of [RFC3261_REGISTER, SUBSCRIBE, TORTUOUS_SUBSCRIBE, REGISTER_WITH_OFFERS]) checkRequest(parse(head))
  checkRequest(parse(SUBSCRIBE.replace('sip:bob@ims.example.com SIP', 'tel:+15550101 SIP')))
  checkRequest(parse(SUBSCRIBE.replace('sip:bob@ims.example.com SIP', 'nobodyKnowsThisScheme:totallyopaque SIP')))
  checkRequest(changed('Max-Forwards'))
})

test('a request that lacks a field which it must hold is refused (RFC 3261 section 8.1.1)', () => {
  for (const name of ['Via', 'From', 'To', 'Call-ID', 'CSeq']) {
    assert.throws(() => checkRequest(changed(name)), refusedFor(name), name)
  }
})

test('a request with a field that breaks its grammar is refused (RFC 3261 section 16.3)', () => {
  const cases: [string, string][] = [
    ['Via', 'SIP/2.0/UDP a'],
    ['Via', 'SIP/2.0/UDP a;branch'],
    ['Via', 'SIP/2.0/UDP a;branch=x;;'],
    ['From', '<sip:alice@a>'],
    ['From', '<sip:alice@a>;tag'],
    ['From', '<sip:alice@a>;tag="x"'],
    ['From', 'Watson, Thomas <sip:a>;tag=1'],
    ['To', 'alice'],
    ['To', '<sip:b>;tag=[x]'],
    ['Call-ID', ''],
    ['Call-ID', 'a b'],
    ['CSeq', '1 NOTIFY'],
    ['CSeq', '1 subscribe'],
    ['CSeq', '2147483648 SUBSCRIBE'],
    ['Max-Forwards', '256'],
    ['Max-Forwards', '-1'],
    ['Max-Forwards', 'many'],
    ['Max-Forwards', ''],
  ]
  for (const [name, value] of cases) {
    assert.throws(() => checkRequest(changed(name, `${name}: ${value}`)), refusedFor(name), `${name}: ${value}`)
  }
})

test('Max-Forwards is 0 to 255 (RFC 3261 section 20.22)', () => {
  for (const hops of [0, 1, 255]) assert.equal(maxForwards(changed('Max-Forwards', `Max-Forwards: ${hops}`)), hops)
  checkRequest(changed('Max-Forwards', 'Max-Forwards: 0'))
  assert.equal(maxForwards(changed('Max-Forwards')), undefined)
})

test('a field that stands alone may not come twice (RFC 4475 section 3.3.8)', () => {
  for (const [name, value] of [
    ['f', '<sip:mallory@a>;tag=2'],
    ['To', '<sip:b>'],
    ['i', 'x'],
    ['CSeq', '314159 SUBSCRIBE'],
    ['Max-Forwards', '3'],
    ['Expires', '1'],
    ['o', 'presence'],
  ]) {
    assert.throws(() => checkRequest(parse(`${SUBSCRIBE}\n${name}: ${value}`)), SipSyntaxError, name)
  }
})

test('a Request-URI that is none, or holds what it may not, is refused (RFC 3261 section 19.1.1)', () => {
  for (const uri of [
    'sip:',
    'sip:a@b@c',
    '<sip:a>',
    'sip:a;;',
    'sip:a?Route=x',
    'sip:a;method=INVITE',
    'alice',
    ':a',
    'x:',
  ]) {
    assert.throws(
      () => checkRequest(parse(SUBSCRIBE.replace('sip:bob@ims.example.com SIP', `${uri} SIP`))),
      SipSyntaxError,
    )
  }
})

test('option tags are compared without regard to case (RFC 3261 section 7.3.1)', () => {
  assert.deepEqual(optionTags(parse(TORTUOUS_SUBSCRIBE), 'Require'), ['sec-agree'])
  assert.deepEqual(optionTags(parse(SUBSCRIBE), 'Proxy-Require'), [])
  assert.throws(() => optionTags(changed('Require', 'Require: a b'), 'Require'), refusedFor('Require'))
  assert.deepEqual(tokens(changed('Allow', 'Allow: SUBSCRIBE, NOTIFY'), 'Allow'), ['SUBSCRIBE', 'NOTIFY'])
})

test('fields that may be absent are undefined then, and refused when wrong', () => {
  const request = parse(SUBSCRIBE)
  assert.equal(expires(request), 3600)
  assert.equal(expires(changed('Expires')), undefined)
  assert.throws(() => expires(changed('Expires', 'Expires: soon')), refusedFor('Expires'))
  assert.equal(minExpires(request), undefined)
  assert.equal(toTag(request), undefined)
  assert.equal(topBranch(request), 'z9hG4bK8d1e52d2a9b14e26')
  assert.equal(entityTag(changed('X', 'SIP-If-Match: dx200xyz'), 'SIP-If-Match'), 'dx200xyz')
  assert.throws(() => entityTag(changed('X', 'SIP-If-Match: "a"'), 'SIP-If-Match'), refusedFor('SIP-If-Match'))
})

test('a branch that is the cookie alone names no transaction (RFC 4475 section 3.2.1)', () => {
  const via = (branch: string) => changed('Via', `Via: SIP/2.0/UDP 192.0.2.1;branch=${branch}`)
  assert.throws(() => checkRequest(via('z9hG4bK')), refusedFor('Via'))
  assert.equal(checkRequest(via('z9hG4bK1')).branch, 'z9hG4bK1')
  assert.equal(checkRequest(via('390skdjuw')).branch, '390skdjuw')
})

test('without branch and From tag a request is taken where RFC 2543 is (RFC 3261 section 17.2.3)', () => {
  const old = changed('Via', 'Via: SIP/2.0/UDP iftgw.example.com')
  old.headers.set('From', '<sip:a@b>')
  assert.throws(() => checkRequest(old), refusedFor('Via'))
  const { branch, fromTag } = checkRequest(old, { isRfc2543Taken: true })
  assert.deepEqual([branch, fromTag], ['', ''])
})
