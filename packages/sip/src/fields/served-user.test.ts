import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refuses, sameAgain } from '../testing/same-again.ts'
import { formatServedUser, parseServedUser } from './served-user.ts'

test('P-Served-User names user, session case and state (the example of RFC 5502 section 6)', () => {
  const user = parseServedUser('<sip:user@example.com>; sescase=orig; regstate=reg')
  assert.deepEqual(user, {
    uri: 'sip:user@example.com',
    displayName: undefined,
    sessionCase: 'orig',
    registrationState: 'reg',
    isOrigCdiv: false,
    params: new Map(),
  })
  assert.equal(sameAgain(user, formatServedUser, parseServedUser), '<sip:user@example.com>;sescase=orig;regstate=reg')
  const unregistered = parseServedUser('"A \\"B\\"" <sip:a@b>;REGSTATE=Unreg;SesCase=TERM;x')
  assert.equal(
    sameAgain(unregistered, formatServedUser, parseServedUser),
    '"A \\"B\\"" <sip:a@b>;sescase=term;regstate=unreg;x',
  )
  assert.equal(parseServedUser('sip:a@b;regstate=reg').registrationState, 'reg')
})

test('after a diversion there is a flag in place of a session case (RFC 8498 section 4)', () => {
  // RFC 8498 section 7
  const user = parseServedUser('<sip:a@b>;orig-cdiv')
  assert.deepEqual([user.isOrigCdiv, user.sessionCase], [true, undefined])
  assert.equal(sameAgain(user, formatServedUser, parseServedUser), '<sip:a@b>;orig-cdiv')
})

test('an unknown case or state is refused: it would pick the wrong criteria (RFC 5502 section 6)', () => {
  refuses('P-Served-User', parseServedUser, [
    '',
    '<sip:a@b>;sescase',
    '<sip:a@b>;sescase=both',
    '<sip:a@b>;regstate=maybe',
    '<sip:a@b>;sescase=orig;sescase=term',
    '<sip:a@b>, <sip:c@d>',
  ])
})
