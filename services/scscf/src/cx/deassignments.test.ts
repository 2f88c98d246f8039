import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import type { EndedRegistration } from '../registrations/ended-registration.ts'
import { ALICE, BOB, BOB_IMPI, PHONE } from '../testing/fixtures.ts'
import { Deassignments } from './deassignments.ts'

const ALICES: EndedRegistration = { impi: PHONE, impu: ALICE, reason: 'unregistered' }
const BOBS: EndedRegistration = { impi: BOB_IMPI, impu: BOB, reason: 'expired' }

function createDeassignments() {
  const clock = new VirtualClock()
  const state = { isAway: false, told: [] as string[], tries: 0 }
  const deassignments = new Deassignments({
    clock,
    tell: async ({ impi }) => {
      state.tries++
      if (!state.isAway) state.told.push(impi)
      return !state.isAway
    },
  })
  return { clock, state, deassignments }
}

async function advance(clock: VirtualClock, ms: number): Promise<void> {
  clock.advance(ms)
  await new Promise((next) => setImmediate(next))
}

test('the HSS is told at once when it is there', async () => {
  const { clock, state, deassignments } = createDeassignments()
  await deassignments.add(ALICES)
  assert.deepEqual(state.told, [PHONE])
  assert.equal(deassignments.size, 0)
  assert.equal(clock.pending, 0)
})

test('while the HSS is away ends wait, are tried less and less often, and are told when it is back', async () => {
  const { clock, state, deassignments } = createDeassignments()
  state.isAway = true
  await deassignments.add(ALICES)
  await deassignments.add(BOBS)
  assert.equal(deassignments.size, 2)
  for (let second = 0; second < 600; second++) await advance(clock, 1_000)
  assert.ok(state.tries < 22, `${state.tries} tries`)
  state.isAway = false
  await advance(clock, 60_000)
  assert.deepEqual(state.told, [PHONE, BOB_IMPI])
  assert.equal(deassignments.size, 0)
})

test('who registers again in the meantime is not de-assigned', async () => {
  const { clock, state, deassignments } = createDeassignments()
  state.isAway = true
  await deassignments.add(ALICES)
  await deassignments.add(BOBS)
  deassignments.forget(PHONE)
  state.isAway = false
  await advance(clock, 1_000)
  assert.deepEqual(state.told, [BOB_IMPI])
})

test('nothing is tried any more after the stop', async () => {
  const { clock, state, deassignments } = createDeassignments()
  state.isAway = true
  await deassignments.add(ALICES)
  deassignments.stop()
  await advance(clock, 600_000)
  assert.equal(state.tries, 1)
  assert.equal(clock.pending, 0)
})
