import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'
import type { CoreClient } from '../support/core/core-client.ts'
import { CorePublication, CoreSubscription } from '../support/core/core-presence.ts'
import { CoreUe } from '../support/core/core-ue.ts'
import { CoreLoad } from '../support/core/load.ts'
import { refuteAll } from '../support/history/check.ts'
import { History } from '../support/history/history.ts'
import { TestNetwork } from '../support/network.ts'
import { type Dice, testSeeds } from '../support/seeds.ts'

/** Operations of everybody before a fault and after it, so that it falls amid some. */
const OPERATIONS_EACH = 5
/** A process, a store or a lease comes back well within this. */
const BACK_MS_MAX = 60_000

const BRIEF_PUBLICATIONS = 8
const BRIEF_SECONDS = 2

/** Longer than a lease (2 s) and than the others take to notice. */
const STOPPED_MS = 5_000

/** Who it happens to: one replica, all of a service, or the store; it is killed, or stopped for longer than its lease. */
type Victim =
  | 'one presence'
  | 'all presence'
  | 'one scscf'
  | 'all scscf'
  | 'hss'
  | 'nats'
  | 'stopped presence'
  | 'stopped scscf'
  | 'stopped nats'

/** What each seed of CI does, in its order; the seed says when, to which replica, and for how long it is gone. */
const PLANS: readonly (readonly Victim[])[] = [
  ['one presence'],
  ['nats'],
  ['one scscf'],
  ['all presence'],
  ['hss', 'nats'],
  ['all scscf'],
  ['nats', 'one presence'],
  ['one presence', 'one scscf', 'hss'],
  ['stopped presence'],
  ['stopped scscf', 'stopped nats'],
]

let network: TestNetwork
let client: CoreClient
let load: CoreLoad

before(async () => {
  const two = { presence: 2, scscf: 2 }
  network = await TestNetwork.start({
    block: 21,
    played: ['pcscf'],
    isTraced: false,
    settings: { ROLLCALL_PRESENCE_EXPIRES_MIN_SECONDS: '1' },
    stack: { replicas: two },
  })
  client = await network.play('pcscf', new History(() => performance.now()))
  load = await CoreLoad.prepare(network, client)
})

after(async () => {
  await network?.[Symbol.asyncDispose]()
})

testSeeds({
  file: 'e2e/faults/nothing-lost.test.ts',
  seeds: PLANS.map((_, i) => i + 1),
  title: (seed) =>
    `${planOf(seed).map(spoken).join(', then ')} under load loses nothing answered 2xx and tells everybody the newest state`,
  play: async (dice, seed, tell) => {
    const beginMs = performance.now()
    const done = load.done
    load.start()
    try {
      await load.progress(OPERATIONS_EACH, BACK_MS_MAX)
      for (const victim of planOf(seed)) {
        await delay(dice.between(0, 200))
        await killAndReturn(victim, dice)
        await load.progress(OPERATIONS_EACH, BACK_MS_MAX)
      }
      await network.stack.ready()
      await load.progress(OPERATIONS_EACH, BACK_MS_MAX)
    } finally {
      // Two loads on the same publications would look like losses to the next seed.
      await load.stop()
    }
    tell(
      `${load.done - done} operations in ${Math.round(performance.now() - beginMs)} ms; failed: ${JSON.stringify([...load.failures])}`,
    )
    refuteAll(await load.check(), load.client.history.events)
    assert.deepEqual(network.unexpectedEnds, [])
  },
})

test('a publication that ran out while no Presence Server was there is told as closed within a second of the start', async () => {
  const { stack } = network
  const users = await network.coreUsers('brief', 2 * BRIEF_PUBLICATIONS, 200_000)
  const ues = users.map((user) => new CoreUe(client, user))
  for (const ue of ues) assert.equal((await ue.register())?.status, 200)
  const publishers = ues.slice(0, BRIEF_PUBLICATIONS)
  const watched: CoreSubscription[] = []
  for (const [i, ue] of ues.slice(BRIEF_PUBLICATIONS).entries()) {
    const { subscription, status } = await CoreSubscription.open(ue, publishers[i]?.user.impu ?? '')
    assert.equal(status, 200)
    watched.push(subscription)
  }
  for (const ue of publishers) {
    assert.equal(await new CorePublication(ue).publish({ expires: BRIEF_SECONDS }), 200)
  }
  await waitUntil('everybody is told that they are open', () => watched.every(({ shows }) => shows === 0))
  await Promise.all(stack.replicas('presence').map((process) => process.kill('SIGKILL')))
  // Their time must pass while nobody is there: this is the one thing that is waited for by the clock.
  await delay(1_000 * BRIEF_SECONDS + 500)
  for (const process of stack.replicas('presence')) process.spawn()
  await Promise.all(stack.replicas('presence').map((process) => process.ready()))
  await waitUntil('everybody is told that they are closed', () => watched.every(({ shows }) => shows === -1), 1_000)
})

function planOf(seed: number): readonly Victim[] {
  return PLANS[(seed - 1) % PLANS.length] ?? []
}

function spoken(victim: Victim): string {
  return victim.startsWith('stopped') ? `SIGSTOP of ${victim.replace('stopped', 'one')}` : `kill -9 of ${victim}`
}

/** Kills or stops amid the load, and brings back after a while. */
async function killAndReturn(victim: Victim, dice: Dice): Promise<void> {
  const { stack } = network
  const goneMs = dice.pick([0, 0, 500, 2_500])
  switch (victim) {
    case 'nats':
      await stack.nats.kill('SIGKILL')
      await delay(goneMs)
      await stack.nats.start()
      return
    case 'stopped nats':
      await stack.nats.kill('SIGSTOP')
      await delay(STOPPED_MS)
      await stack.nats.kill('SIGCONT')
      return
    case 'stopped presence':
    case 'stopped scscf': {
      const process = dice.pick(stack.replicas(serviceOf(victim)))
      process.signal('SIGSTOP')
      await delay(STOPPED_MS)
      process.signal('SIGCONT')
      return
    }
    case 'hss':
    case 'one presence':
    case 'one scscf':
    case 'all presence':
    case 'all scscf': {
      const replicas = stack.replicas(serviceOf(victim))
      const processes = victim.startsWith('all') ? replicas : [dice.pick(replicas)]
      await Promise.all(processes.map((process) => process.kill('SIGKILL')))
      await delay(goneMs)
      for (const process of processes) process.spawn()
      await Promise.all(processes.map((process) => process.ready()))
    }
  }
}

function serviceOf(victim: Victim): 'presence' | 'scscf' | 'hss' {
  return victim.endsWith('presence') ? 'presence' : victim.endsWith('scscf') ? 'scscf' : 'hss'
}
