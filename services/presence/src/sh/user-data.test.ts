import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import type { UserDataResponse } from '@rollcall/proto-gen/sh'
import { UserDataUnavailableError } from '../errors.ts'
import { ALICE, ALICE_TEL, BOB, MALLORY } from '../testing/inputs.ts'
import { UserDataCache } from './user-data.ts'

function stage() {
  const clock = new VirtualClock()
  const asked: string[] = []
  const hss = { isAway: false, block: [MALLORY as string] }
  const cache = new UserDataCache({
    clock,
    freshMs: 5_000,
    staleMs: 300_000,
    partitionOf: () => 3,
    fetch: async (impu): Promise<UserDataResponse> => {
      asked.push(impu)
      await Promise.resolve()
      if (hss.isAway) throw new Error('away')
      if (impu === BOB) return { found: false, canonicalImpu: '', impus: [], presencePolicy: undefined }
      const presencePolicy = { defaultAllow: true, allow: [], block: hss.block }
      return { found: true, canonicalImpu: ALICE, impus: [ALICE, ALICE_TEL], presencePolicy }
    },
  })
  return { clock, asked, hss, cache }
}

test('the HSS is asked once for all who wait, and not again while its answer is fresh', async () => {
  const { clock, asked, cache } = stage()
  assert.equal(cache.peek(ALICE_TEL), 'missing')
  const [one, two] = await Promise.all([cache.fetch(ALICE_TEL, ''), cache.fetch(ALICE_TEL, '')])
  assert.equal(one, two)
  assert.deepEqual([one?.canonical, one?.partition, one?.impus], [ALICE, 3, [ALICE, ALICE_TEL]])
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

test('a changed policy has another digest, an unchanged one the same', async () => {
  const { clock, hss, cache } = stage()
  const first = await cache.fetch(ALICE, '')
  clock.advance(5_000)
  const second = await cache.fetch(ALICE, '')
  hss.block = [MALLORY, BOB]
  const third = await cache.fetch(ALICE, '')
  assert.equal(second?.digest, first?.digest)
  assert.notEqual(third?.digest, first?.digest)
  assert.equal(third?.policy.decide({ identities: [BOB] }), 'block')
})
