import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, VirtualClock } from '@rollcall/core'
import { ALICE, ALICE_PROFILE, ALICE_TEL, BOB } from '../testing/fixtures.ts'
import { Directory, type DirectoryCx } from './directory.ts'

const FRESH_MS = 30_000
const STALE_MS = 3_600_000

function createDirectory(options: { isOwned?: boolean } = {}) {
  const clock = new VirtualClock()
  const state = { asked: [] as Impu[], stale: 0, answer: undefined as unknown as DirectoryCx['locate'] }
  state.answer = async () => ({ kind: 'unregistered', canonicalImpu: ALICE, profile: ALICE_PROFILE })
  const directory = new Directory({
    clock,
    cx: {
      locate: (impu) => {
        state.asked.push(impu)
        return state.answer(impu)
      },
    },
    registrations: { findByImpu: () => undefined, isOwned: () => options.isOwned ?? true },
    freshMs: FRESH_MS,
    staleMs: STALE_MS,
    entriesMax: 2,
    onStale: () => state.stale++,
    onSkipped: () => {},
  })
  return { clock, directory, state }
}

test('a profile is asked for once, and again when it is no longer fresh', async () => {
  const { clock, directory, state } = createDirectory()
  for (let count = 0; count < 3; count++) assert.equal((await directory.find(ALICE)).kind, 'unregistered')
  assert.equal(state.asked.length, 1)
  clock.advance(FRESH_MS)
  await directory.find(ALICE)
  assert.equal(state.asked.length, 2)
})

test('requests for one user that come at once ask once', async () => {
  const { directory, state } = createDirectory()
  await Promise.all(Array.from({ length: 5 }, () => directory.find(ALICE)))
  assert.equal(state.asked.length, 1)
})

test('while the HSS is away a profile is used on, up to a bound', async () => {
  const { clock, directory, state } = createDirectory()
  await directory.find(ALICE)
  state.answer = async () => ({ kind: 'unavailable' })
  clock.advance(STALE_MS - 1)
  assert.equal((await directory.find(ALICE)).kind, 'unregistered')
  assert.equal(state.stale, 1)
  assert.equal((await directory.find(BOB)).kind, 'unavailable')
  clock.advance(1)
  assert.equal((await directory.find(ALICE)).kind, 'unavailable')
})

test('a user whom the HSS no longer knows is forgotten', async () => {
  const { clock, directory, state } = createDirectory()
  await directory.find(ALICE)
  clock.advance(FRESH_MS)
  state.answer = async () => ({ kind: 'unknown' })
  assert.equal((await directory.find(ALICE)).kind, 'unknown')
  state.answer = async () => ({ kind: 'unavailable' })
  assert.equal((await directory.find(ALICE)).kind, 'unavailable')
})

test('only so many profiles are kept', async () => {
  const { directory, state } = createDirectory()
  for (const impu of [ALICE, ALICE_TEL, BOB]) await directory.find(impu)
  await directory.find(BOB)
  assert.equal(state.asked.length, 3)
  await directory.find(ALICE)
  assert.equal(state.asked.length, 4)
})

test('nothing is said of a user whose partition another process owns', async () => {
  const { directory } = createDirectory({ isOwned: false })
  assert.equal((await directory.find(ALICE)).kind, 'unavailable')
})
