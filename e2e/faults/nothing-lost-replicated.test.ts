import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { after, before } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { CoreLoad } from '../support/core/load.ts'
import { refuteAll } from '../support/history/check.ts'
import { History } from '../support/history/history.ts'
import { TestNetwork } from '../support/network.ts'
import { testSeeds } from '../support/seeds.ts'

const OPERATIONS_EACH = 5
/** After the kill of a leader nothing is acknowledged for 5 to 12 s, and all leases must become live again. */
const BACK_MS_MAX = 90_000
/** Whose stream's leader is killed, in the order of CI's seeds. */
const SERVICES = ['presence', 'scscf', 'presence'] as const
const SHARDS = 4

let network: TestNetwork
let load: CoreLoad

before(async () => {
  const replicas = { presence: 2, scscf: 2 }
  network = await TestNetwork.start({
    block: 26,
    played: ['pcscf'],
    isTraced: false,
    isReplicated: true,
    stack: { replicas },
  })
  const client = await network.play('pcscf', new History(() => performance.now()))
  load = await CoreLoad.prepare(network, client)
})

after(async () => {
  await network?.[Symbol.asyncDispose]()
})

testSeeds({
  file: 'e2e/faults/nothing-lost-replicated.test.ts',
  seeds: [1, 2, 3],
  title: (seed) =>
    `kill -9 of the leader of a ${serviceOf(seed)} log on three nats-servers under load loses nothing answered 2xx`,
  play: async (dice, seed, tell) => {
    const { cluster } = network
    assert.ok(cluster)
    const beginMs = performance.now()
    const done = load.done
    load.start()
    await load.progress(OPERATIONS_EACH, BACK_MS_MAX)
    const leader = await cluster.leaderOf(serviceOf(seed), `${serviceOf(seed)}_log_${dice.below(SHARDS)}`)
    await leader.kill('SIGKILL')
    const killedMs = performance.now()
    // Two of three go on by themselves; the third comes back before that, or long after.
    if (dice.percent(50)) await delay(dice.between(0, 1_000))
    else await load.progress(1, BACK_MS_MAX)
    await leader.start()
    await load.progress(OPERATIONS_EACH, BACK_MS_MAX)
    await network.stack.ready()
    const backMs = performance.now() - killedMs
    await load.stop()
    tell(
      `${load.done - done} operations in ${Math.round(performance.now() - beginMs)} ms, all well ${Math.round(backMs)} ms after the kill; failed: ${JSON.stringify([...load.failures])}`,
    )
    refuteAll(await load.check(), load.client.history.events)
    await cluster.untilCurrent(serviceOf(seed), `${serviceOf(seed)}_log_0`)
    assert.deepEqual(network.unexpectedEnds, [])
  },
})

function serviceOf(seed: number): (typeof SERVICES)[number] {
  return SERVICES[(seed - 1) % SERVICES.length] ?? 'presence'
}
