import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { systemClock } from '@rollcall/core'
import { connectStore, PartitionLogs } from '@rollcall/store'
import { startTestCluster } from './test-cluster.ts'

const addresses = ['127.1.3.42', '127.1.3.43', '127.1.3.44'] as const
const cluster = await startTestCluster({ addresses, services: ['presence'] })
after(() => cluster.stop())

test('streams have three replicas; a leader that steps down or dies is followed by another one, with all that was written', async () => {
  const tls = cluster.tlsFor('presence')
  await using connection = await connectStore({ url: cluster.url, tls, service: 'presence', clock: systemClock })
  const logs = await PartitionLogs.open({ connection, service: 'presence', realm: 'a.test', clock: systemClock })
  const owned = await logs.take(0, () => {})
  await owned.append(Buffer.from('a'))
  await cluster.stepDown('presence', 'presence_log_0')
  await owned.append(Buffer.from('b'))
  const leader = await cluster.leaderOf('presence', 'presence_log_0')
  await leader.kill('SIGKILL')
  const next = await cluster.leaderOf('presence', 'presence_log_0')
  assert.notEqual(next, leader)
  await leader.start()
  await cluster.untilCurrent('presence', 'presence_log_0')
  const records: string[] = []
  await (await logs.take(0, ({ record }) => records.push(record.toString()))).release()
  assert.deepEqual(records, ['a', 'b'])
})

test('a route takes no certificate of the trust domain, not even that of NATS: only those of its own authority', async () => {
  const isTaken = async (folder: string, role: string): Promise<boolean> => {
    const file = (name: string) => readFile(join(cluster.folder, folder, name))
    const socket = connectTls({
      host: addresses[0],
      port: 16222,
      key: await file(`${role}.key`),
      cert: await file(`${role}.crt`),
      rejectUnauthorized: false,
    })
    // With TLS 1.3 a refusal comes after the client's own handshake; a server that goes on sends its INFO.
    const data = once(socket, 'data').then(
      () => true,
      () => false,
    )
    const isClosed = once(socket, 'close').then(() => false)
    const taken = await Promise.race([data, isClosed])
    socket.destroy()
    return taken
  }
  assert.equal(await isTaken('route-pki', 'nats'), true)
  assert.equal(await isTaken('pki', 'nats'), false)
  assert.equal(await isTaken('pki', 'presence'), false)
})
