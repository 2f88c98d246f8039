import assert from 'node:assert/strict'
import test from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { NoAnswerError } from './errors.ts'
import { reregisterAfterMs } from './registration/registration.ts'
import { DEFAULT_SETTINGS, type UeSettings } from './settings.ts'
import { Upkeep } from './upkeep.ts'

function bench(settings: Partial<UeSettings> = {}) {
  const clock = new VirtualClock()
  const calls: string[] = []
  let isDead = false
  const call = (name: string) => async (): Promise<void> => {
    calls.push(name)
    if (isDead) throw new NoAnswerError('REGISTER')
  }
  const upkeep = new Upkeep(
    clock,
    { ...DEFAULT_SETTINGS, ...settings },
    {
      reregister: call('reregister'),
      reregisterFromScratch: call('from scratch'),
      checkAlive: call('alive?'),
      sayAgain: call('say again'),
      emit: (event) => calls.push(event.kind),
    },
  )
  const advance = async (ms: number): Promise<void> => {
    clock.advance(ms)
    for (let i = 0; i < 10; i++) await Promise.resolve()
  }
  return { calls, upkeep, advance, clock, die: (dead: boolean) => (isDead = dead) }
}

test('registers again 600 s before the end, or at half time when that is short (TS 24.229 clause 5.1.1.4.1)', () => {
  assert.equal(reregisterAfterMs(1201), 601_000)
  assert.equal(reregisterAfterMs(1200), 600_000)
  assert.equal(reregisterAfterMs(600), 300_000)
})

test('registers again in time', async () => {
  const { calls, upkeep, advance } = bench()
  upkeep.registered(600)
  await advance(299_999)
  assert.deepEqual(calls, [])
  await advance(1)
  assert.deepEqual(calls, ['reregister'])
})

test('a P-CSCF that does not answer is tried from scratch after 1, 2, 4 … 60 s, until it is back', async () => {
  const { calls, upkeep, advance, die } = bench({ aliveCheckMs: 30_000 })
  upkeep.registered(600)
  die(true)
  await advance(30_000)
  assert.deepEqual(calls.splice(0), ['alive?', 'refresh-failed', 'registration-lost', 'from scratch', 'refresh-failed'])
  for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
    await advance(pauseMs - 1)
    assert.deepEqual(calls, [])
    await advance(1)
    assert.deepEqual(calls.splice(0), ['from scratch', 'refresh-failed'])
  }
  die(false)
  await advance(60_000)
  assert.deepEqual(calls.splice(0), ['from scratch', 'say again'])
})

test('nothing happens by itself after a stop, not even an attempt to come back that was under way', async () => {
  const { calls, upkeep, advance, die, clock } = bench()
  upkeep.registered(600)
  die(true)
  upkeep.lost(undefined)
  await advance(0)
  calls.splice(0)
  upkeep.stop()
  await advance(3_600_000)
  assert.deepEqual(calls, [])
  assert.equal(clock.pending, 0)
})

test('without refreshes a loss is told and nothing is done', async () => {
  const { calls, upkeep, advance } = bench({ refreshes: false, aliveCheckMs: 1000 })
  upkeep.registered(600)
  upkeep.lost(undefined)
  await advance(3_600_000)
  assert.deepEqual(calls, ['registration-lost'])
})
