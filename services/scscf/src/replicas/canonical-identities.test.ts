import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Impu, VirtualClock } from '@rollcall/core'
import { ALICE, ALICE_TEL, BOB } from '../testing/fixtures.ts'
import { CanonicalIdentities, type LocatedIdentity } from './canonical-identities.ts'

const PARTITIONS: Readonly<Record<string, number>> = { [ALICE]: 1, [BOB]: 2, [ALICE_TEL]: 9 }

function setUp() {
  const clock = new VirtualClock()
  const state = {
    asked: [] as Impu[],
    registered: new Map<Impu, Impu>(),
    answer: (impu: Impu): LocatedIdentity =>
      impu === BOB ? { kind: 'unknown' } : { kind: 'known', canonicalImpu: ALICE },
  }
  const identities = new CanonicalIdentities({
    clock,
    partitionOf: (canonicalImpu) => PARTITIONS[canonicalImpu] ?? -1,
    registered: (impu) => state.registered.get(impu),
    locate: async (impu) => {
      state.asked.push(impu)
      return state.answer(impu)
    },
  })
  return { clock, state, identities }
}

test('whichever name a request uses, it belongs to the partition of the set’s canonical identity', async () => {
  const { identities, state } = setUp()
  assert.equal(identities.peek(ALICE_TEL), undefined)
  assert.equal(await identities.resolve(ALICE_TEL), 1)
  assert.equal(identities.peek(ALICE_TEL), 1)
  assert.deepEqual(state.asked, [ALICE_TEL])
})

test('of a set that is registered here the HSS is not asked', () => {
  const { identities, state } = setUp()
  state.registered.set(ALICE_TEL, ALICE)
  assert.equal(identities.peek(ALICE_TEL), 1)
  assert.deepEqual(state.asked, [])
})

test('requests for one identity that come at once ask once, and after ten minutes again', async () => {
  const { clock, identities, state } = setUp()
  await Promise.all([identities.resolve(ALICE), identities.resolve(ALICE)])
  assert.equal(state.asked.length, 1)
  clock.advance(599_999)
  assert.equal(identities.peek(ALICE), 1)
  clock.advance(1)
  assert.equal(identities.peek(ALICE), undefined)
})

test('whom the HSS does not know belongs somewhere all the same, for some seconds', async () => {
  const { clock, identities } = setUp()
  assert.equal(await identities.resolve(BOB), 2)
  assert.equal(identities.peek(BOB), 2)
  clock.advance(5_000)
  assert.equal(identities.peek(BOB), undefined)
})

test('while the HSS is away what was known counts, else the identity itself', async () => {
  const { clock, identities, state } = setUp()
  await identities.resolve(ALICE_TEL)
  clock.advance(3_600_000)
  state.answer = () => ({ kind: 'unavailable' })
  assert.equal(await identities.resolve(ALICE_TEL), 1)
  assert.equal(await identities.resolve(BOB), 2)
  // And it is asked again: nothing was learnt.
  assert.equal(identities.peek(BOB), undefined)
})
