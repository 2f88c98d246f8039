import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, VirtualClock } from '@rollcall/core'
import { compileProfile } from '../ifc/filter-criteria.ts'
import { type Contact, contactKey, type RegistrationSet } from '../registrations/registration.ts'
import { ALICE, ALICE_PROFILE, ALICE_TEL, BOB, PHONE } from '../testing/fixtures.ts'
import { Directory, type DirectoryCx } from './directory.ts'

const FRESH_MS = 30_000
const STALE_MS = 3_600_000

function createDirectory(options: { isOwned?: boolean; registered?: Map<Impu, RegistrationSet> } = {}) {
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
    freshMs: FRESH_MS,
    staleMs: STALE_MS,
    entriesMax: 2,
    onStale: () => state.stale++,
    onSkipped: () => {},
  })
  const registrations = {
    findByImpu: (impu: Impu) => options.registered?.get(impu),
    isOwned: () => options.isOwned ?? true,
  }
  const find = (impu: Impu) => directory.find(impu, registrations)
  return { clock, find, state }
}

test('a profile is asked for once, and again when it is no longer fresh (TS 24.229 clause 5.3.2.1)', async () => {
  const { clock, find, state } = createDirectory()
  for (let count = 0; count < 3; count++) assert.equal((await find(ALICE)).kind, 'unregistered')
  assert.equal(state.asked.length, 1)
  clock.advance(FRESH_MS)
  await find(ALICE)
  assert.equal(state.asked.length, 2)
})

test('requests for one user that come at once ask once', async () => {
  const { find, state } = createDirectory()
  await Promise.all(Array.from({ length: 5 }, () => find(ALICE)))
  assert.equal(state.asked.length, 1)
})

test('while the HSS is away a profile is used on, up to a bound', async () => {
  const { clock, find, state } = createDirectory()
  await find(ALICE)
  state.answer = async () => ({ kind: 'unavailable' })
  clock.advance(STALE_MS - 1)
  assert.equal((await find(ALICE)).kind, 'unregistered')
  assert.equal(state.stale, 1)
  assert.equal((await find(BOB)).kind, 'unavailable')
  clock.advance(1)
  assert.equal((await find(ALICE)).kind, 'unavailable')
})

test('a user whom the HSS no longer knows is forgotten', async () => {
  const { clock, find, state } = createDirectory()
  await find(ALICE)
  clock.advance(FRESH_MS)
  state.answer = async () => ({ kind: 'unknown' })
  assert.equal((await find(ALICE)).kind, 'unknown')
  state.answer = async () => ({ kind: 'unavailable' })
  assert.equal((await find(ALICE)).kind, 'unavailable')
})

test('only so many profiles are kept', async () => {
  const { find, state } = createDirectory()
  for (const impu of [ALICE, ALICE_TEL, BOB]) await find(impu)
  await find(BOB)
  assert.equal(state.asked.length, 3)
  await find(ALICE)
  assert.equal(state.asked.length, 4)
})

test('nothing is said of a user who is of another partition, or whose partition has gone', async () => {
  const { find } = createDirectory({ isOwned: false })
  assert.deepEqual(await find(ALICE), { kind: 'elsewhere', canonicalImpu: ALICE })
})

test('who registers while the HSS is asked is registered', async () => {
  const registered = new Map<Impu, RegistrationSet>()
  const { find, state, clock } = createDirectory({ registered })
  for (const answer of [{ kind: 'unknown' }, { kind: 'unregistered', canonicalImpu: ALICE, profile: ALICE_PROFILE }]) {
    registered.clear()
    state.answer = async () => {
      registered.set(ALICE, registeredSet(clock.now() + 1_000))
      return answer as Awaited<ReturnType<DirectoryCx['locate']>>
    }
    assert.equal((await find(ALICE)).kind, 'registered', answer.kind)
    clock.advance(FRESH_MS)
  }
})

function registeredSet(expiresAtMs: number): RegistrationSet {
  const contact = { impi: PHONE, instance: 'x', uri: 'sip:x', expiresAtMs } as Contact
  return {
    canonicalImpu: ALICE,
    profile: ALICE_PROFILE,
    criteria: compileProfile(ALICE_PROFILE),
    contacts: new Map([[contactKey(contact), contact]]),
  }
}
