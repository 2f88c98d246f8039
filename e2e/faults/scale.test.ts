import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { after, before } from 'node:test'
import { fetchMetrics } from '@rollcall/deploy/local/metrics.ts'
import type { ReplicatedService } from '@rollcall/deploy/local/stack.ts'
import { CoreLoad, FAULT_LOAD } from '../support/core/load.ts'
import { refuteAll } from '../support/history/check.ts'
import { History } from '../support/history/history.ts'
import { TestNetwork } from '../support/network.ts'
import { testSeeds } from '../support/seeds.ts'

/** Operations of everybody between two changes. */
const OPERATIONS_EACH = 5
const PROGRESS_MS_MAX = 30_000
/** A request may wait for its partition to change hands, and no UE may notice more of it than a retransmission. */
const ANSWER_MS_MAX = 6_000

let network: TestNetwork
let load: CoreLoad

before(async () => {
  const replicasMax = { presence: 3, scscf: 3 }
  network = await TestNetwork.start({ block: 23, played: ['pcscf'], isTraced: false, stack: { replicasMax } })
  const client = await network.play('pcscf', new History(() => performance.now()))
  load = await CoreLoad.prepare(network, client, { ...FAULT_LOAD, pauseMs: 50 })
})

after(async () => {
  await network?.[Symbol.asyncDispose]()
})

testSeeds({
  file: 'e2e/faults/scale.test.ts',
  seeds: [1, 2],
  title: () => 'Presence Server and S-CSCF scale from 1 to 3 to 2 replicas under load without one failed operation',
  play: async (dice, _, tell) => {
    const { stack } = network
    const beginMs = performance.now()
    const done = load.done
    load.start()
    await load.progress(OPERATIONS_EACH, PROGRESS_MS_MAX)
    for (const count of [3, 2]) {
      for (const service of dice.shuffled<ReplicatedService>(['presence', 'scscf'])) {
        const fromMs = performance.now() - beginMs
        if (count < stack.replicas(service).length) tell(await refusals())
        await stack.scale(service, count)
        tell(`${service} to ${count} from ${Math.round(fromMs)} to ${Math.round(performance.now() - beginMs)} ms`)
        await load.progress(OPERATIONS_EACH, PROGRESS_MS_MAX)
      }
    }
    await load.stop()
    tell(
      `${load.done - done} operations in ${Math.round(performance.now() - beginMs)} ms, the slowest in ${Math.round(load.slowestMs)} ms`,
    )
    tell(await refusals())
    assert.deepEqual(load.firstFailures, [], 'every operation was answered 2xx')
    assert.ok(load.slowestMs < ANSWER_MS_MAX, `the slowest answer took ${load.slowestMs} ms`)
    refuteAll(await load.check(), load.client.history.events)
    assert.deepEqual(network.unexpectedEnds, [])
    for (const service of ['presence', 'scscf'] as const) await stack.scale(service, 1)
  },
})

/** Why anything was refused so far, by process. */
async function refusals(): Promise<string> {
  const told: string[] = []
  for (const { name, probe } of network.stack.processes) {
    for (const sample of await fetchMetrics(probe)) {
      if (!/_refused_total$/.test(sample.name)) continue
      told.push(`${name} ${sample.labels.reason} ${sample.value}`)
    }
  }
  return `refused: ${told.join(', ') || 'nothing'}`
}
