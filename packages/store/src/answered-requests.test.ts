import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { AnsweredRequests } from './answered-requests.ts'

const RETAIN_MS = 32_000

function setUp(entriesMax = 100) {
  const clock = new VirtualClock()
  return { clock, answers: new AnsweredRequests<string>({ retainMs: RETAIN_MS, entriesMax, clock }) }
}

function key(cseq: number, branch = 'z9hG4bKa', callId = 'c') {
  return { callId, cseq, branch }
}

test('a second arrival within 64*T1 finds the first one’s answer (RFC 3261 section 17.2.2)', () => {
  const { clock, answers } = setUp()
  answers.remember(key(1), '200', clock.now())
  clock.advance(RETAIN_MS - 1)
  assert.equal(answers.find(key(1)), '200')
  clock.advance(1)
  assert.equal(answers.find(key(1)), undefined)
})

test('another CSeq, branch or Call-ID is another request', () => {
  const { clock, answers } = setUp()
  answers.remember(key(1), '200', clock.now())
  for (const other of [key(2), key(1, 'z9hG4bKb'), key(1, 'z9hG4bKa', 'd')])
    assert.equal(answers.find(other), undefined)
})

test('what a log tells of long ago is not kept', () => {
  const { clock, answers } = setUp()
  answers.remember(key(1), '200', clock.now() - RETAIN_MS)
  assert.equal(answers.size, 0)
})

test('the oldest go first, by number and by time', () => {
  const { clock, answers } = setUp(3)
  for (let cseq = 1; cseq <= 5; cseq += 1) answers.remember(key(cseq), String(cseq), clock.now())
  assert.equal(answers.size, 3)
  assert.equal(answers.find(key(2)), undefined)
  assert.equal(answers.find(key(3)), '3')
  clock.advance(RETAIN_MS)
  answers.remember(key(6), '6', clock.now())
  assert.equal(answers.size, 1)
})
