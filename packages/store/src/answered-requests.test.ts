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

test('what others have come after is kept as long, and at most a quarter longer', () => {
  const { clock, answers } = setUp(1_000)
  answers.remember(key(1), '200', clock.now())
  for (let cseq = 2; cseq <= 33; cseq += 1) {
    assert.equal(answers.find(key(1)), '200')
    clock.advance(1_000)
    answers.remember(key(cseq), '200', clock.now())
  }
  clock.advance(RETAIN_MS / 4)
  assert.equal(answers.find(key(1)), undefined)
  assert.equal(answers.find(key(33)), '200')
})

test('what is kept is told with its keys and times, oldest first, for a snapshot', () => {
  const { clock, answers } = setUp()
  for (let cseq = 1; cseq <= 3; cseq += 1) {
    answers.remember(key(cseq), String(cseq), clock.now())
    clock.advance(RETAIN_MS / 3 + 1)
  }
  const told = [...answers.entries()]
  assert.deepEqual(
    told.map(({ key: { cseq, branch, callId }, answer }) => [cseq, branch, callId, answer]),
    [2, 3].map((cseq) => [cseq, 'z9hG4bKa', 'c', String(cseq)]),
  )
  const again = setUp().answers
  for (const { key: one, answer, atMs } of told) again.remember(one, answer, atMs - RETAIN_MS * 1.5)
  assert.equal(again.size, 1, 'the older one is too old by then')
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
  const { clock, answers } = setUp(100)
  for (let cseq = 1; cseq <= 1_000; cseq += 1) answers.remember(key(cseq), String(cseq), clock.now())
  assert.ok(answers.size >= 100 && answers.size <= 125, String(answers.size))
  assert.equal(answers.find(key(800)), undefined)
  for (let cseq = 901; cseq <= 1_000; cseq += 1) assert.equal(answers.find(key(cseq)), String(cseq))
  clock.advance(RETAIN_MS)
  answers.remember(key(1_001), '1001', clock.now())
  assert.equal(answers.size, 1)
})
