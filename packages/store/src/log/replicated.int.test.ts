import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestCluster } from '@rollcall/dev-env'
import { KeyedOwner, lostOf } from '../testing/keyed-owner.ts'
import { race, takeUntilTaken } from '../testing/race.ts'
import { connectTo, openLogsInTime, until } from '../testing/store-client.ts'

const addresses = ['127.1.3.46', '127.1.3.47', '127.1.3.48'] as const
const cluster = await startTestCluster({ addresses, services: ['presence'] })
after(() => cluster.stop())

const NOTHING_WRONG = { handOvers: 200, acknowledged: 0, lateWrites: [], missing: [], strangers: [] }

test('200 hand-overs on three servers, with leaders that step down: no old write after the new epoch, none missing (decision 2)', async () => {
  await using one = await connectTo(cluster, 'presence')
  await using other = await connectTo(cluster, 'presence')
  const result = await race({
    sides: [await openLogsInTime(one), await openLogsInTime(other)],
    partition: 0,
    handOvers: 200,
    seed: 'three servers',
    beforeTake: async (round) => {
      if (round % 10 === 5) await cluster.stepDown('presence', 'presence_log_0')
    },
  })
  assert.deepEqual({ ...result, acknowledged: 0 }, NOTHING_WRONG)
  assert.ok(result.acknowledged > 1_000, `${result.acknowledged} acknowledged`)
})

test('kill -9 of the leader in the middle of a race changes nothing of that', async () => {
  await using one = await connectTo(cluster, 'presence')
  await using other = await connectTo(cluster, 'presence')
  const result = await race({
    sides: [await openLogsInTime(one), await openLogsInTime(other)],
    partition: 1,
    handOvers: 20,
    seed: 'killed leader',
    beforeTake: async (round) => {
      if (round % 10 !== 7) return
      const leader = await cluster.leaderOf('presence', 'presence_log_1')
      await leader.kill('SIGKILL')
      await leader.start()
    },
  })
  assert.deepEqual({ ...result, acknowledged: 0 }, { ...NOTHING_WRONG, handOvers: 20 })
})

test('kill -9 of the leader under load with snapshots, three times: nothing acknowledged is lost', async () => {
  // A test before has killed a server: this one begins with all three in step.
  await cluster.untilCurrent('presence', 'presence_log_2')
  await using connection = await connectTo(cluster, 'presence')
  const logs = await openLogsInTime(connection)
  const owner = await KeyedOwner.take(logs, 2, { octets: 2_000 })
  owner.work({ keys: 64, prefix: 'k', withSnapshots: true })
  for (let round = 0; round < 3; round += 1) {
    const counted = countOf(owner) + 500
    await until(() => countOf(owner) > counted && owner.snapshots > round, 40_000)
    const leader = await cluster.leaderOf('presence', 'presence_log_2')
    await leader.kill('SIGKILL')
    // Two of three go on without it.
    await cluster.leaderOf('presence', 'presence_log_2')
    const before = countOf(owner)
    await until(() => countOf(owner) > before + 100, 40_000)
    await leader.start()
    await cluster.untilCurrent('presence', 'presence_log_2')
  }
  await owner.stop()
  await owner.owned.release()
  const next = await KeyedOwner.take(logs, 2)
  assert.deepEqual(lostOf(owner.acknowledged, next.state), [])
  assert.equal(next.state.size, 64)
  await next.owned.release()
})

test('kill -9 of all three servers at once under load: nothing acknowledged is lost', async () => {
  await cluster.untilCurrent('presence', 'presence_log_3')
  await using connection = await connectTo(cluster, 'presence')
  const logs = await openLogsInTime(connection)
  const owner = await KeyedOwner.take(logs, 3, { octets: 500 })
  owner.work({ keys: 64, prefix: 'k', withSnapshots: true })
  await until(() => countOf(owner) > 1_000 && owner.snapshots > 0, 40_000)
  await Promise.all(cluster.servers.map((server) => server.kill('SIGKILL')))
  await Promise.all(cluster.servers.map((server) => server.start()))
  const before = countOf(owner)
  await until(() => countOf(owner) > before + 100, 40_000)
  await owner.stop()
  const loaded = new Map<string, number>()
  const next = await takeUntilTaken(logs, 3, ({ record }) => {
    const [key = '', count = ''] = record.toString().split('=')
    loaded.set(key, Number.parseInt(count, 10))
  })
  assert.deepEqual(lostOf(owner.acknowledged, loaded), [])
  await next.release()
  owner.owned.drop()
})

function countOf(owner: KeyedOwner): number {
  return [...owner.acknowledged.values()].reduce((sum, count) => sum + count, 0)
}
