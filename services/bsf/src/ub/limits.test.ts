import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { UbLimits } from './limits.ts'

const settings = {
  source: { burst: 3, intervalMs: 1_000 },
  impi: { burst: 2, intervalMs: 10_000 },
  wrongAnswers: { burst: 2, intervalMs: 60_000 },
  contexts: { burst: 2, intervalMs: 30_000 },
  outstandingMax: 2,
}

test('a stranger who asks for a user uses up no challenge of the user at home', () => {
  using limits = new UbLimits(new VirtualClock(), settings)
  limits.noteHome('a', 'home')
  assert.equal(limits.takeChallenge('a', 's1'), undefined)
  assert.equal(limits.takeChallenge('a', 's2'), undefined)
  assert.equal(limits.takeChallenge('a', 's3'), 'user-rate')
  for (let count = 0; count < 9; count++) assert.equal(limits.takeChallenge('a', 'home'), undefined)
})

test('a source makes so many requests at once, and then one each interval', () => {
  const clock = new VirtualClock()
  using limits = new UbLimits(clock, settings)
  const taken = (source: string) => Array.from({ length: 9 }, () => limits.takeRequest(source)).filter(Boolean).length
  assert.deepEqual([taken('a'), taken('b')], [3, 3])
  clock.advance(1_000)
  assert.deepEqual([taken('a'), taken('b')], [1, 1])
})

test('wrong answers count for user and source together, and are borne again in time', () => {
  const clock = new VirtualClock()
  using limits = new UbLimits(clock, settings)
  assert.equal(limits.countWrongAnswer('a', 's'), true)
  assert.equal(limits.countWrongAnswer('a', 's'), false)
  assert.equal(limits.takeChallenge('a', 's'), 'wrong-answers')
  assert.equal(limits.takeChallenge('b', 's'), undefined)
  assert.equal(limits.takeChallenge('a', 't'), undefined)
  clock.advance(60_000)
  assert.equal(limits.takeChallenge('a', 's'), undefined)
})

test('a flood of users and sources takes bounded memory, and rests are let go of', () => {
  const clock = new VirtualClock()
  using limits = new UbLimits(clock, settings)
  for (let n = 0; n < 70_000; n++) {
    limits.takeRequest(`s${n}`)
    limits.takeChallenge(`u${n}`, `s${n}`)
    limits.noteHome(`u${n}`, `s${n}`)
    limits.countWrongAnswer(`u${n}`, `s${n}`)
    limits.countContext(`u${n}`)
  }
  assert.deepEqual(limits.sizes, { source: 65_536, impi: 65_536, wrong: 65_536, contexts: 65_536 })
  clock.advance(120_000)
  assert.deepEqual(limits.sizes, { source: 0, impi: 0, wrong: 0, contexts: 0 })
})

test('a user bootstraps so many keys at once, and again as they end (TS 33.220 clause 4.5.2)', () => {
  const clock = new VirtualClock()
  using limits = new UbLimits(clock, settings)
  limits.noteHome('alice', 'home')
  limits.countContext('alice')
  assert.equal(limits.takeChallenge('alice', 'home'), undefined)
  limits.countContext('alice')
  assert.equal(limits.takeChallenge('alice', 'home'), 'user-contexts', 'at home, too')
  assert.equal(limits.takeChallenge('bob', 'home'), undefined)
  clock.advance(30_000)
  assert.equal(limits.takeChallenge('alice', 'home'), undefined)
})

test('so many requests wait at once, and each that has ended makes room', () => {
  using limits = new UbLimits(new VirtualClock(), settings)
  assert.deepEqual([limits.begin(), limits.begin(), limits.begin()], [true, true, false])
  limits.end()
  assert.deepEqual([limits.begin(), limits.begin()], [true, false])
})
