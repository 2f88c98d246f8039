import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Clock, VirtualClock } from '@rollcall/core'
import { steadyClock } from './steady-clock.ts'

const HOUR_MS = 3_600_000

/** A machine whose wall clock can be set. */
function machine() {
  const virtual = new VirtualClock()
  let offsetMs = 0
  const clock: Clock = {
    now: () => virtual.now() + offsetMs,
    monotonic: () => virtual.monotonic(),
    setTimer: (delayMs, callback) => virtual.setTimer(delayMs, callback),
  }
  const jump = (ms: number): void => {
    offsetMs += ms
  }
  return { virtual, clock, jump }
}

test('it says what the wall clock says, as long as that does not jump', () => {
  const { virtual, clock } = machine()
  const steady = steadyClock(clock)
  for (let step = 0; step < 50; step++) {
    virtual.advance(step * 37)
    assert.equal(steady.now(), clock.now())
  }
})

test('a jump of an hour, forward or back, shortens or lengthens no interval by more than a twentieth', () => {
  for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
    const { virtual, clock, jump } = machine()
    const steady = steadyClock(clock)
    virtual.advance(10_000)
    const beforeMs = steady.now()
    jump(jumpMs)
    assert.equal(steady.now(), beforeMs, 'nothing happens at once')
    for (let minute = 0; minute < 60; minute++) virtual.advance(60_000)
    const passedMs = steady.now() - beforeMs
    assert.ok(Math.abs(passedMs - HOUR_MS) <= HOUR_MS / 20, `${passedMs}`)
  }
})

test('it is led back to the wall clock, and never goes back', () => {
  for (const jumpMs of [HOUR_MS, -HOUR_MS]) {
    const { virtual, clock, jump } = machine()
    const steady = steadyClock(clock)
    jump(jumpMs)
    let lastMs = steady.now()
    for (let minute = 0; minute < 21 * 60; minute++) {
      virtual.advance(60_000)
      const nowMs = steady.now()
      assert.ok(nowMs > lastMs)
      lastMs = nowMs
    }
    assert.equal(steady.now(), clock.now())
  }
})
