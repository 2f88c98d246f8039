import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RollcallError, seededRandom } from '@rollcall/core'
import { SecurityAgreementError, SipParseError, SipSyntaxError, TransactionsFullError } from './errors.ts'
import { newBranch, newCallId, newTag } from './ids.ts'
import { reasonPhrase } from './reason-phrase.ts'
import { isErrorCode, sipStatusOf, sipStatusOfError } from './status.ts'

class StrangeError extends RollcallError {
  override readonly name = 'StrangeError'
  readonly code = 'NOBODY_MAPPED_THIS'
}

test('a failure has one answer, with what always belongs to it', () => {
  assert.deepEqual(sipStatusOf('SUBSCRIPTION_INTERVAL_TOO_BRIEF'), {
    status: 423,
    reason: 'Interval Too Brief',
    headers: [],
  })
  assert.deepEqual(sipStatusOf('SECURITY_AGREEMENT_REQUIRED'), {
    status: 421,
    reason: 'Extension Required',
    headers: [['Require', 'sec-agree']],
  })
  // RFC 3329 section 2: a list that differs; TS 33.203 clause 7.3.2: no common algorithm ends the registration.
  assert.equal(sipStatusOf('SECURITY_MISMATCH').status, 494)
  assert.equal(sipStatusOf('SECURITY_NO_COMMON_ALGORITHM').status, 403)
})

test('each error of this package has its line', () => {
  for (const [error, status] of [
    [new SipSyntaxError('Via', 'x'), 400],
    [new SipParseError('SIP_VERSION_UNSUPPORTED', 'x'), 505],
    [new SecurityAgreementError('SECURITY_MECHANISM_MISSING', 'x'), 421],
    [new TransactionsFullError(1), 503],
  ] as const) {
    assert.equal(sipStatusOfError(error).status, status)
    assert.equal(sipStatusOfError(error).isExpected, true)
  }
})

test('what nobody expected is 500 and says nothing of itself', () => {
  for (const error of [new Error('secret'), new StrangeError('secret'), 'secret', undefined, { code: 'SIP_SYNTAX' }]) {
    assert.deepEqual(sipStatusOfError(error), {
      status: 500,
      reason: 'Server Internal Error',
      headers: [],
      isExpected: false,
    })
  }
  for (const code of ['constructor', '__proto__', 'toString', '']) assert.equal(isErrorCode(code), false)
})

test('a status without a phrase has that of its class (RFC 3261 section 8.1.3.2)', () => {
  // RFC 3261 section 21
  assert.equal(reasonPhrase(489), 'Bad Event')
  assert.equal(reasonPhrase(499), 'Bad Request')
  assert.equal(reasonPhrase(599), 'Server Error')
})

test('branches, tags and Call-IDs are fresh tokens (RFC 3261 section 8.1.1.7)', () => {
  // RFC 3261 section 8.1.1.4; RFC 3261 section 19.3
  const random = seededRandom('ids')
  assert.match(newBranch(random), /^z9hG4bK[0-9a-f]{32}$/)
  assert.match(newTag(random), /^[0-9a-f]{16}$/)
  assert.notEqual(newCallId(random), newCallId(random))
})
