import assert from 'node:assert/strict'
import test from 'node:test'
import { DEFAULT_SETTINGS, gmTimers, timerNMs } from './settings.ts'

test('a UE asks for what the standards name (TS 24.229 clause 5.1.1.2.1, RFC 3856 section 6.4, RFC 3903 section 4.1)', () => {
  const { registrationSeconds, subscriptionSeconds, publicationSeconds, regEventSeconds } = DEFAULT_SETTINGS
  assert.deepEqual([registrationSeconds, regEventSeconds], [600_000, 600_000])
  assert.deepEqual([subscriptionSeconds, publicationSeconds], [3_600, 3_600])
})

test('Timer N is 64*T1, and never shorter than with the T1 of RFC 3261 (RFC 6665 section 4.1.2.4)', () => {
  assert.equal(timerNMs(DEFAULT_SETTINGS.timers), 128_000)
  assert.equal(timerNMs(gmTimers(50)), 32_000)
})
