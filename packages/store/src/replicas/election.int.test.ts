import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestCluster } from '@rollcall/dev-env'
import { until } from '../testing/store-client.ts'
import { ReplicaProcess } from './testing/replica-process.ts'

const addresses = ['127.1.3.64', '127.1.3.65', '127.1.3.66'] as const
const cluster = await startTestCluster({ addresses, services: ['presence'] })
after(() => cluster.stop())

test('leaders step down and are killed: nobody is judged by what nobody could see (decision 3)', async (t) => {
  const a = await ReplicaProcess.start(cluster, 'a')
  const b = await ReplicaProcess.start(cluster, 'b')
  await until(() => b.held.size > 0 && a.held.size + b.held.size === 16, 20_000)
  const leases = await Promise.all([a, b].map(async ({ replicas }) => (await replicas).lease))
  await cluster.stepDown('presence', 'presence_lease')
  const leader = await cluster.leaderOf('presence', 'presence_lease')
  const startMs = performance.now()
  await leader.kill('SIGKILL')
  await cluster.leaderOf('presence', 'presence_lease')
  await until(() => leases.every(({ isLive }) => isLive), 20_000)
  t.diagnostic(`both leases are live ${Math.round(performance.now() - startMs)} ms after the leader was killed`)
  await leader.start()
  await cluster.untilCurrent('presence', 'presence_lease')
  const sinceMs = performance.now()
  await until(() => performance.now() - sinceMs > 3_000)
  for (const process of [a, b]) assert.ok(!process.has('revoked') && !process.has('deposed'), process.name)
  await b.leave()
  await until(() => a.held.size === 16, 20_000)
  await a.leave()
})
