import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImpu, VirtualClock } from '@rollcall/core'
import { assertedWatcher } from '@rollcall/policy'
import type { UserDataResponse } from '@rollcall/proto-gen/sh'
import { UserDataUnavailableError } from '../errors.ts'
import { ALICE, ALICE_TEL, BOB, CAROL, MALLORY } from '../testing/inputs.ts'
import { readUserData } from './read-user-data.ts'
import { UserDataCache } from './user-data.ts'

const THE_BOB = assertedWatcher([BOB])
const NO_CONTEXT = { nowMs: 0, sphere: undefined }

function stage() {
  const clock = new VirtualClock()
  const asked: string[] = []
  const hss = { isAway: false, block: [MALLORY as string], revision: 10n, answers: Promise.resolve() }
  const cache = new UserDataCache({
    clock,
    freshMs: 5_000,
    staleMs: 300_000,
    partitionOf: () => 3,
    fetch: async (impu): Promise<UserDataResponse> => {
      asked.push(impu)
      // What is told is what was so when it was asked, however long the answer is under way.
      const { block, revision, isAway, answers } = hss
      await answers
      if (isAway) throw new Error('away')
      if (impu === BOB) return { found: false, canonicalImpu: '', impus: [], presencePolicy: undefined, revision: 0n }
      return { found: true, ...told(impu === CAROL ? [CAROL] : [ALICE, ALICE_TEL], block, revision) }
    },
  })
  const push = (block: string[], revision: bigint, impus = [ALICE, ALICE_TEL]) =>
    cache.learn(readUserData(told(impus, block, revision), () => 3))
  return { clock, asked, hss, cache, push }
}

function told(impus: string[], block: string[], revision: bigint): Omit<UserDataResponse, 'found'> {
  return { canonicalImpu: impus[0] ?? '', impus, presencePolicy: { defaultAllow: true, allow: [], block }, revision }
}

/** Answers of the HSS that wait until they are let go. */
function held(): { answers: Promise<void>; letGo: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { answers: promise, letGo: resolve }
}

test('the HSS is asked once for all who wait, and not again while its answer is fresh', async () => {
  const { clock, asked, cache } = stage()
  assert.equal(cache.peek(ALICE_TEL), 'missing')
  const [one, two] = await Promise.all([cache.fetch(ALICE_TEL, ''), cache.fetch(ALICE_TEL, '')])
  assert.equal(one, two)
  assert.deepEqual([one?.canonical, one?.partition, one?.impus], [ALICE, 3, [ALICE, ALICE_TEL]])
  assert.equal(one?.revision, 10n)
  clock.advance(4_999)
  assert.equal(cache.peek(ALICE_TEL), one)
  clock.advance(1)
  assert.equal(cache.peek(ALICE_TEL), 'missing')
  assert.deepEqual(asked, [ALICE_TEL])
})

test('while the HSS is away, what it said counts for a bounded time', async () => {
  const { clock, hss, cache } = stage()
  const known = await cache.fetch(ALICE, '')
  hss.isAway = true
  clock.advance(299_999)
  assert.equal(await cache.fetch(ALICE, ''), known)
  clock.advance(1)
  await assert.rejects(cache.fetch(ALICE, ''), UserDataUnavailableError)
  await assert.rejects(cache.fetch(MALLORY, ''), UserDataUnavailableError)
  hss.isAway = false
  assert.ok(await cache.fetch(ALICE, ''))
})

test('that a user is unknown is remembered while fresh, and not believed of an HSS that is away', async () => {
  const { clock, hss, cache } = stage()
  assert.equal(await cache.fetch(BOB, ''), undefined)
  assert.equal(cache.peek(BOB), 'unknown')
  hss.isAway = true
  clock.advance(5_000)
  assert.equal(cache.peek(BOB), 'missing')
  await assert.rejects(cache.fetch(BOB, ''), UserDataUnavailableError)
})

test('a policy that changed, and was not pushed, counts when the HSS is asked next', async () => {
  const { clock, hss, cache } = stage()
  const first = await cache.fetch(ALICE, '')
  clock.advance(5_000)
  const second = await cache.fetch(ALICE, '')
  hss.block = [MALLORY, BOB]
  const third = await cache.fetch(ALICE, '')
  for (const user of [first, second]) assert.equal(user?.policy.decide(THE_BOB, NO_CONTEXT).handling, 'allow')
  assert.equal(third?.policy.decide(THE_BOB, NO_CONTEXT).handling, 'block')
})

test('what was pushed counts at once, under each identity of the user, also one that was asked about before', async () => {
  const { cache, push, asked } = stage()
  const hidden = parseImpu('sip:alice.hidden@ims.example.com')
  await cache.fetch(hidden, '')
  const pushed = push([BOB], 11n)
  for (const impu of [ALICE, ALICE_TEL, hidden]) assert.equal(cache.peek(impu), pushed)
  assert.equal(pushed.policy.decide(THE_BOB, NO_CONTEXT).handling, 'block')
  assert.deepEqual(asked, [hidden])
})

test('an answer that was under way when a newer state was pushed changes nothing', async () => {
  const { cache, hss, push } = stage()
  const { answers, letGo } = held()
  hss.answers = answers
  const asked = cache.fetch(ALICE_TEL, '')
  const pushed = push([BOB], 11n)
  letGo()
  assert.equal(await asked, pushed)
  assert.equal(cache.peek(ALICE), pushed)
  assert.equal(cache.peek(ALICE_TEL), pushed)
})

test('a push that was overtaken by a later one changes nothing either, and is told what counts', () => {
  const { cache, push } = stage()
  const newer = push([BOB], 12n)
  assert.equal(push([], 11n), newer)
  assert.equal(cache.peek(ALICE), newer)
  // The same one once more is no older one.
  assert.equal(push([BOB], 12n).policy.decide(THE_BOB, NO_CONTEXT).handling, 'block')
})

test('that a user is unknown is not believed when one was pushed while it was asked', async () => {
  const { cache, hss, push } = stage()
  const { answers, letGo } = held()
  hss.answers = answers
  const asked = cache.fetch(BOB, '')
  const pushed = push([], 11n, [BOB])
  letGo()
  assert.equal(await asked, pushed)
  assert.equal(cache.peek(BOB), pushed)
})

test('with the HSS away what was pushed goes on counting', async () => {
  const { clock, cache, hss, push } = stage()
  const pushed = push([BOB], 11n)
  hss.isAway = true
  clock.advance(6_000)
  assert.equal(await cache.fetch(ALICE, ''), pushed)
})

test('a partition that is taken has forgotten users, and an answer that was asked for before is asked for again', async () => {
  const { cache, hss, push, asked } = stage()
  push([BOB], 11n)
  cache.forgetPartition(3)
  assert.equal(cache.peek(ALICE), 'missing')
  const first = held()
  hss.answers = first.answers
  const underWay = cache.fetch(ALICE, '')
  // The owner until now blocks bob and is pushed that; then the partition comes here.
  hss.block = [BOB]
  hss.revision = 12n
  hss.answers = Promise.resolve()
  cache.forgetPartition(3)
  const after = await cache.fetch(ALICE, '')
  assert.equal(after?.revision, 12n)
  first.letGo()
  assert.equal((await underWay)?.revision, 12n)
  assert.deepEqual(asked, [ALICE, ALICE, ALICE])
  // Another partition's users stay.
  cache.forgetPartition(4)
  assert.notEqual(cache.peek(ALICE), 'missing')
})

test('a partition that is taken again and again while it is asked gives no doubtful answer', async () => {
  const { cache, hss } = stage()
  const taken: UserDataCache = cache
  Object.defineProperty(hss, 'answers', {
    get: async () => {
      await Promise.resolve()
      taken.forgetPartition(3)
    },
  })
  await assert.rejects(cache.fetch(ALICE, ''), UserDataUnavailableError)
})

test('a user without a policy is watched by nobody (readings, Presence 2)', () => {
  const none = { canonicalImpu: ALICE, impus: [ALICE], presencePolicy: undefined, revision: 1n }
  const { policy } = readUserData(none, () => 3)
  assert.equal(policy.decide(THE_BOB, NO_CONTEXT).handling, 'block')
})
