import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Impu } from '@rollcall/core'
import { readPidfSummary } from '@rollcall/pidf'
import { BOB, publish, subscribe } from '../testing/inputs.ts'
import { Stage, settled } from '../testing/stage.ts'

const PRESENTITIES = 10_000

const presentity = (n: number): Impu => `sip:user-${n}@ims.example.com` as Impu

/** What a busy machine does not stretch. */
function cpuMs(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1_000
}

/** An owner with many presentities, each with a publication and a watcher who was told. */
async function crowded(o: { readonly expiresSeconds: (n: number) => number }): Promise<Stage> {
  const stage = new Stage({ limits: { presentities: PRESENTITIES } })
  const owner = await stage.own()
  for (let n = 0; n < PRESENTITIES; n++) {
    const resource = presentity(n)
    stage.ask(owner, publish({ expiresSeconds: o.expiresSeconds(n) }), { presentity: resource })
    stage.ask(owner, subscribe({ resource, watcher: [BOB], expiresSeconds: 80_000 }), { presentity: resource })
    if (n % 500 === 499) await tellAll(stage)
  }
  await tellAll(stage)
  await stage.pass(2_000)
  owner.stop()
  stage.take()
  return stage
}

/** Lets all that is due be told: so many turns as it takes. */
async function tellAll(stage: Stage): Promise<void> {
  for (let before = -1; before !== stage.sent.length; ) {
    before = stage.sent.length
    for (let turn = 0; turn < 40; turn++) {
      stage.clock.advance(1)
      await settled()
    }
  }
}

test('10,000 presentities of whom nothing changed: their watchers are told nothing, and it takes no time (readings, Store 3)', async () => {
  const stage = await crowded({ expiresSeconds: () => 80_000 })
  const before = process.cpuUsage()
  const owner = await stage.own()
  const tookMs = cpuMs(before)
  assert.deepEqual(owner.size, { presentities: PRESENTITIES, publications: PRESENTITIES, subscriptions: PRESENTITIES })
  await tellAll(stage)
  await stage.pass(3_000)
  assert.deepEqual(stage.take(), [])
  assert.ok(tookMs < 3_000, `${tookMs} ms`)
})

test('what ran out of 5,000 presentities while nobody owned them is told as closed within a second, and the others nothing', async () => {
  const stage = await crowded({ expiresSeconds: (n) => (n % 2 === 0 ? 600 : 80_000) })
  stage.clock.advance(700_000)
  await stage.own()
  const startMs = stage.clock.monotonic()
  while (stage.clock.monotonic() - startMs < 1_000) {
    stage.clock.advance(1)
    await settled()
  }
  const told = stage.take()
  assert.equal(new Set(told.map(({ notice }) => notice.presentity)).size, PRESENTITIES / 2)
  assert.equal(told.length, PRESENTITIES / 2)
  for (const { body } of told) assert.equal(readPidfSummary(Buffer.from(body)).tuples[0]?.basic, 'closed')
})

test('a look around costs nothing that grows with how much is remembered', async () => {
  const stage = await crowded({ expiresSeconds: () => 80_000 })
  const owner = await stage.own()
  await tellAll(stage)
  const before = process.cpuUsage()
  for (let second = 0; second < 200; second++) stage.clock.advance(1_000)
  const lookMs = cpuMs(before) / 200
  assert.ok(lookMs < 1, `${lookMs} ms a look at ${owner.size.subscriptions} subscriptions`)
})
