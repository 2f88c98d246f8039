import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { ProofAttempts } from './proof-attempts.ts'

const USER = 'carol@ims.example.com'

test('who guesses wrong from one place is looked at no more, and nobody else is locked out by it (RFC 7616 section 5.7)', () => {
  const clock = new VirtualClock()
  const attempts = new ProofAttempts(clock)
  for (let i = 0; i < 5; i++) attempts.noteWrong('10.0.0.1', USER)
  assert.equal(attempts.has('10.0.0.1', USER), false)
  assert.equal(attempts.has('10.0.0.2', USER), true)
  clock.advance(60_000)
  assert.equal(attempts.has('10.0.0.1', USER), true)
})

test('a source that is made up for each try brings no more than a hundred of them', () => {
  const attempts = new ProofAttempts(new VirtualClock())
  for (let i = 0; i < 100; i++) attempts.noteWrong(`host-${i}.example.com`, USER)
  assert.equal(attempts.has('another.example.com', USER), false)
  assert.equal(attempts.has('another.example.com', 'dave@ims.example.com'), true)
})

test('a name that is nobody’s for its length is not looked at', () => {
  const attempts = new ProofAttempts(new VirtualClock())
  assert.equal(attempts.has('10.0.0.1', 'c'.repeat(254)), false)
  assert.equal(attempts.has('h'.repeat(10_000), USER), true)
})
