import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { fetchMetrics } from '@rollcall/deploy/local/metrics.ts'
import { SERVICES } from '@rollcall/deploy/local/stack.ts'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import { CoreLoad } from '../support/core/load.ts'
import { FakeClock, fakeTimeImpossible } from '../support/fake-time.ts'
import { refuteAll } from '../support/history/check.ts'
import { History } from '../support/history/history.ts'
import { TestNetwork } from '../support/network.ts'

const HOUR_SECONDS = 3_600
const OPERATIONS_EACH = 5
const PROGRESS_MS_MAX = 30_000
/** In the last of these rounds of operations nothing may fail. */
const ROUNDS_TO_SEE = 3

/**
 * A jump back is one from an hour ahead to the right time: a process that is behind would refuse its peers' certificates,
 * which are not an hour old, and rightly so.
 */
test('the clock of each service in turn jumps an hour on and back under load: it goes on at once, and nothing is lost', {
  skip: fakeTimeImpossible() ?? false,
}, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-clocks-'))
  const clocks = new Map<string, FakeClock>()
  const clockOf = (process: string): FakeClock => {
    const clock = clocks.get(process) ?? new FakeClock(folder, process)
    clocks.set(process, clock)
    return clock
  }
  try {
    await using network = await TestNetwork.start({
      block: 25,
      played: ['pcscf'],
      isTraced: false,
      stack: { settingsOf: (process) => clockOf(process).environment },
    })
    const load = await CoreLoad.prepare(network, await network.play('pcscf', new History(() => performance.now())))
    const phone = await network.ue('alice-phone')
    const bob = await network.ue('bob')
    for (const ue of [phone, bob]) await ue.register()
    const subscription = await bob.subscribe({ uri: phone.identity, expiresSeconds: 2 * HOUR_SECONDS })
    const body = (note: string) => writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open', note })
    const publication = await phone.publish({ body: body('before'), expiresSeconds: 2 * HOUR_SECONDS })
    load.start()
    for (const service of SERVICES) {
      for (const aheadSeconds of [HOUR_SECONDS, 0]) {
        const done = load.done
        for (const { name } of network.stack.replicas(service)) clockOf(name).set(aheadSeconds)
        // Who sees its wall clock leap cannot tell that from having slept: it serves again from its next heartbeat on. When
        // it looks at its clock next, and so sees it, depends on how busy the machine is.
        let failed: readonly unknown[] = []
        for (let round = 0; round < ROUNDS_TO_SEE; round++) {
          failed = [...load.failures]
          await load.progress(OPERATIONS_EACH, PROGRESS_MS_MAX)
          if (isDeepStrictEqual([...load.failures], failed)) break
        }
        assert.deepEqual([...load.failures], failed, `nothing fails any more, though the ${service} goes wrong`)
        const note = `${service} is ${aheadSeconds} s ahead`
        await publication.modify(body(note))
        // A UE behind the P-CSCF is told of it, in the SAs it has.
        for (let told: readonly unknown[] = []; !told.includes(note); ) {
          told = readPidfSummary((await subscription.next(PROGRESS_MS_MAX)).body).tuples.flatMap(({ notes }) => notes)
        }
        t.diagnostic(`${note}: ${load.done - done} operations; failed so far: ${JSON.stringify([...load.failures])}`)
      }
    }
    await load.stop()
    assert.deepEqual(
      [...load.failures.keys()].filter((status) => status !== 503),
      [],
      'who was not answered 2xx was asked to come again',
    )
    refuteAll(await load.check(), load.client.history.events)
    for (const { probe, name } of network.stack.processes) {
      const samples = await fetchMetrics(probe)
      const unhandled = samples.filter((sample) => sample.name === 'rollcall_unhandled_total')
      assert.deepEqual(unhandled, [], name)
    }
    await phone.deregister()
    await bob.deregister()
    assert.deepEqual(network.unexpectedEnds, [])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
