import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseImpu } from '@rollcall/core'
import { readWatcherinfo, type Watcherinfo } from '@rollcall/pidf'
import { type PresencePolicy, plainDecision } from '@rollcall/policy'
import {
  ALICE,
  ALICE_TEL,
  ALICES_POLICY,
  BOB,
  CAROL,
  MALLORY,
  publish,
  resubscribe,
  subscribe,
} from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'
import type { PartitionOwner } from './owner.ts'

const CONFIRM: PresencePolicy = { decide: () => plainDecision('confirm') }
const DAY_MS = 86_400_000

/** alice watches her watchers, for as long as a day. */
function watchesWatchers(stage: Stage, owner: PartitionOwner, policy: PresencePolicy = ALICES_POLICY) {
  const input = subscribe({ eventPackage: 'presence.winfo', watcher: [ALICE], expiresSeconds: 86_400, policy })
  stage.ask(owner, input, { policy: { revision: 1n, policy, impus: [ALICE, ALICE_TEL] } })
  return input
}

/** Asks for alice's presence by the policy that she has a word to say. */
function asks(stage: Stage, owner: PartitionOwner, over: Parameters<typeof subscribe>[0] = {}) {
  const input = subscribe(over)
  return {
    input,
    heard: stage.ask(owner, input, { policy: { revision: 1n, policy: CONFIRM, impus: [ALICE, ALICE_TEL] } }),
  }
}

/** Much time passes at once. */
async function leap(stage: Stage, ms: number): Promise<void> {
  stage.clock.advance(ms)
  await settled()
}

/** The documents that alice was told since the last look. */
function documents(stage: Stage): Watcherinfo[] {
  const told = stage.take().filter(({ notice }) => notice.subscription.eventPackage === 'presence.winfo')
  return told.map(({ body }) => readWatcherinfo(Buffer.from(body)))
}

function lines(stage: Stage): string[][] {
  return documents(stage).map(({ version, state, watchers }) => [
    `${state} ${version}`,
    ...watchers.map(({ uri, status, event }) => `${uri} ${status} ${event}`),
  ])
}

test('first all watchers are told, then those that changed; who asks again is told all (RFC 3858 section 4, RFC 3857 section 4.7)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const winfo = watchesWatchers(stage, owner)
  await settled()
  const bob = subscribe()
  for (const input of [bob, subscribe({ watcher: [CAROL] })]) {
    stage.ask(owner, input)
    await settled()
  }
  stage.ask(owner, resubscribe(bob, { expiresSeconds: 0 }))
  await settled()
  stage.ask(owner, resubscribe(winfo, { cseq: 2 }))
  await settled()
  stage.ask(owner, resubscribe(winfo, { cseq: 3, expiresSeconds: 0 }))
  await settled()
  assert.deepEqual(lines(stage), [
    ['full 0'],
    ['partial 1', `${BOB} active subscribe`],
    ['partial 2', `${CAROL} active subscribe`],
    ['partial 3', `${BOB} terminated timeout`],
    ['full 4', `${CAROL} active subscribe`],
    ['full 5', `${CAROL} active subscribe`],
  ])
})

test('after a document that may not have arrived all is told, and who has gone meanwhile (RFC 3858 section 4)', async () => {
  for (const outcome of ['unreachable', 'refused', 'withdrawn'] as const) {
    const stage = new Stage()
    const owner = await stage.own()
    watchesWatchers(stage, owner)
    await settled()
    const bob = subscribe()
    stage.ask(owner, bob)
    await settled()
    stage.take()
    stage.watchers = undefined
    stage.ask(owner, resubscribe(bob, { expiresSeconds: 0 }))
    await settled()
    const under = stage.take().find(({ notice }) => notice.subscription.eventPackage === 'presence.winfo')
    assert.equal(readWatcherinfo(Buffer.from(under?.body ?? '')).state, 'partial')
    stage.ask(owner, subscribe({ watcher: [CAROL] }))
    await settled()
    stage.take()
    stage.watchers = 'delivered'
    under?.done(outcome)
    await stage.pass(2_000)
    const gone = outcome === 'refused' ? [] : [`${BOB} terminated timeout`]
    assert.deepEqual(lines(stage), [['full 3', `${CAROL} active subscribe`, ...gone]], outcome)
  }
})

test('changes that come while one is told are one document: what changed since it arrived (RFC 3858 section 4)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  watchesWatchers(stage, owner)
  await settled()
  stage.take()
  stage.watchers = undefined
  const bob = subscribe()
  stage.ask(owner, bob)
  await settled()
  const [first] = stage.take().filter(({ notice }) => notice.subscription.eventPackage === 'presence.winfo')
  stage.ask(owner, subscribe({ watcher: [CAROL] }))
  stage.ask(owner, resubscribe(bob, { expiresSeconds: 0 }))
  await settled()
  stage.watchers = 'delivered'
  first?.done('delivered')
  await settled()
  assert.deepEqual(lines(stage), [['partial 2', `${CAROL} active subscribe`, `${BOB} terminated timeout`]])
})

test('a new owner tells all first, in a later version (RFC 3858 section 4)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  watchesWatchers(stage, owner)
  stage.ask(owner, subscribe())
  await settled()
  owner.stop()
  stage.take()
  const next = await stage.own()
  stage.ask(next, subscribe({ watcher: [CAROL] }))
  await settled()
  const told = documents(stage)
  assert.deepEqual(
    told.map(({ version, state, watchers }) => [version, state, watchers.map(({ uri }) => uri)]),
    [
      [65_536, 'full', [BOB]],
      [65_537, 'partial', [CAROL]],
    ],
  )
})

test('who got no word waits for it over takeovers, by log and by snapshot, and gets it (RFC 3857 section 4.7.1)', async () => {
  for (const isSnapshot of [false, true]) {
    const stage = new Stage()
    const owner = await stage.own()
    watchesWatchers(stage, owner, CONFIRM)
    asks(stage, owner, { expiresSeconds: 60, policy: CONFIRM })
    await settled()
    stage.take()
    await stage.pass(61_000)
    const told = stage.take().map(({ notice, body }) => [notice.subscription.eventPackage, notice.ended, body === ''])
    assert.deepEqual(told.sort(), [
      ['presence', 'timeout', true],
      ['presence.winfo', undefined, false],
    ])
    if (isSnapshot) {
      stage.log.wantsSnapshot = true
      await stage.pass(1_000)
      assert.deepEqual(stage.snapshots, [undefined])
      stage.log.wantsSnapshot = false
    }
    owner.stop()
    const next = await stage.own()
    stage.take()
    watchesWatchers(stage, next, CONFIRM)
    await settled()
    assert.deepEqual(
      documents(stage)[0]?.watchers.map(({ uri, status, event }) => [uri, status, event]),
      [[BOB, 'waiting', 'timeout']],
    )
    const allows = { decide: () => plainDecision('allow') } as const
    await next.changePolicy(ALICE, { revision: 2n, policy: allows, impus: [ALICE] })
    await settled()
    const words = lines(stage).map(([, ...watchers]) => watchers)
    assert.ok(words.length > 0 && words.every((watchers) => watchers.join() === `${BOB} terminated approved`))
    assert.equal(next.presentity(ALICE)?.waiting, undefined)
  }
})

test('who waits does so for three days, and is given up then (RFC 3857 section 4.7.1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  asks(stage, owner, { expiresSeconds: 0, policy: CONFIRM })
  await settled()
  assert.equal(owner.size.subscriptions, 0)
  assert.deepEqual([owner.size.presentities, owner.waiting], [1, 1], 'she is remembered for who waits')
  await leap(stage, 3 * DAY_MS - 10_000)
  watchesWatchers(stage, owner, CONFIRM)
  await stage.pass(5_000)
  assert.deepEqual(lines(stage).at(-1), ['full 0', `${BOB} waiting timeout`])
  await stage.pass(10_000)
  assert.deepEqual(lines(stage), [['partial 1', `${BOB} terminated giveup`]])
  assert.equal(owner.presentity(ALICE)?.waiting, undefined)
})

test('a presentity whom nobody watches and nobody waits for is forgotten', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  asks(stage, owner, { expiresSeconds: 0, policy: CONFIRM })
  await settled()
  await leap(stage, 3 * DAY_MS)
  await stage.pass(2_000)
  assert.equal(owner.presentity(ALICE), undefined)
})

test('who waits takes room in the partition as who watches', async () => {
  const stage = new Stage({ limits: { subscriptions: 2 } })
  const owner = await stage.own()
  asks(stage, owner, { expiresSeconds: 0, policy: CONFIRM })
  asks(stage, owner, { watcher: [CAROL], expiresSeconds: 0, policy: CONFIRM })
  const { heard } = asks(stage, owner, { watcher: [MALLORY], policy: CONFIRM })
  assert.equal(heard.unavailable, 'partition-full')
})

test('who is refused over and over is told once an hour (readings, Presence 3; RFC 3857 section 4.7.1)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  watchesWatchers(stage, owner)
  await settled()
  stage.take()
  for (let i = 0; i < 20; i++) assert.equal(stage.ask(owner, subscribe({ watcher: [MALLORY] })).unavailable, undefined)
  await settled()
  assert.deepEqual(lines(stage), [['partial 1', `${MALLORY} terminated rejected`]])
  await leap(stage, 3_599_000)
  assert.equal((await asked(stage, owner)).length, 0)
  await leap(stage, 2_000)
  assert.deepEqual(await asked(stage, owner), [['partial 2', `${MALLORY} terminated rejected`]])
})

async function asked(stage: Stage, owner: PartitionOwner): Promise<string[][]> {
  const heard = stage.ask(owner, subscribe({ watcher: [MALLORY] }))
  await settled()
  assert.deepEqual([heard.answer?.status, heard.unavailable], [403, undefined])
  return lines(stage)
}

test('whose subscription was just ended as rejected is not told again when he tries (readings, Presence 3)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  watchesWatchers(stage, owner)
  stage.ask(owner, subscribe())
  await settled()
  stage.take()
  const policy = { revision: 2n, policy: { decide: () => plainDecision('block') }, impus: [ALICE] } as const
  await owner.changePolicy(ALICE, policy)
  await settled()
  assert.deepEqual(lines(stage), [['partial 2', `${BOB} terminated rejected`]])
  const heard = stage.ask(owner, subscribe({ policy: policy.policy }), { policy })
  await settled()
  assert.equal(heard.answer?.status, 403)
  assert.deepEqual(lines(stage), [])
})

test('while nobody watches the watchers, a refusal is no record', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  stage.ask(owner, publish())
  await settled()
  const before = stage.log.kept.length
  stage.ask(owner, subscribe({ watcher: [MALLORY] }))
  await settled()
  assert.equal(stage.log.kept.length, before)
})

test('a document has 250 watchers: those who wait, and of the others those who came first (RFC 3858 section 4)', async () => {
  const stage = new Stage()
  const owner = await stage.own()
  const of = (number: number) => parseImpu(`sip:w${number}@ims.example.com`)
  const inputs = Array.from({ length: 252 }, (_, number) => subscribe({ watcher: [of(number)] }))
  for (const input of inputs) stage.ask(owner, input)
  watchesWatchers(stage, owner)
  await stage.pass(1_000)
  const [first] = documents(stage)
  assert.equal(first?.watchers.length, 250)
  assert.ok(first.watchers.every(({ uri }) => uri !== of(250) && uri !== of(251)))

  // One who is told leaves: who did not fit in comes in.
  stage.ask(owner, resubscribe(inputs[7] ?? assert.fail(), { expiresSeconds: 0 }))
  await settled()
  assert.deepEqual(lines(stage), [['partial 1', `${of(250)} active subscribe`, `${of(7)} terminated timeout`]])

  // One waits: the last of the others gives way, of whom nobody says that he has gone. So all is told.
  asks(stage, owner, { watcher: [MALLORY], expiresSeconds: 0, policy: CONFIRM })
  await settled()
  const [whole] = documents(stage)
  assert.equal(whole?.state, 'full')
  assert.equal(whole.watchers.length, 250)
  assert.deepEqual(whole.watchers.at(-1)?.uri, MALLORY)
  assert.ok(whole.watchers.every(({ uri }) => uri !== of(250)))
})
