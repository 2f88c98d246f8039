import assert from 'node:assert/strict'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '@rollcall/core'
import { startTestStore, type TestStore } from '@rollcall/dev-env'
import { LogCorruptError } from '../errors.ts'
import { purge } from '../jetstream-api.ts'
import { leaseStreamOf, storeBackupRole } from '../layout.ts'
import { ReplicaProcess } from '../replicas/testing/replica-process.ts'
import { KeyedOwner } from '../testing/keyed-owner.ts'
import { connectTo, openLogs, until } from '../testing/store-client.ts'
import { verifyStore } from '../tools/verify-store.ts'

const PARTITIONS = 16

/** Changes one octet in the middle of the largest block of a stream, which lies encrypted on disk. */
async function damage(store: TestStore, account: string, stream: string): Promise<void> {
  const folder = join(store.storeDir, 'jetstream', account, 'streams', stream, 'msgs')
  const blocks = (await readdir(folder)).filter((file) => file.endsWith('.blk')).map((file) => join(folder, file))
  const sizes = await Promise.all(blocks.map(async (block) => (await stat(block)).size))
  const largest = blocks[sizes.indexOf(Math.max(...sizes))] ?? assert.fail()
  const octets = await readFile(largest)
  const middle = octets.length >> 1
  octets[middle] = (octets[middle] ?? 0) ^ 1
  await writeFile(largest, octets)
}

async function fill(store: TestStore, partition: number): Promise<void> {
  await using connection = await connectTo(store, 'presence')
  const owner = await KeyedOwner.take(await openLogs(connection), partition, { octets: 20_000 })
  for (let n = 0; n < 200; n += 1) await owner.countUp(`k${n}`)
  await owner.owned.release()
}

async function problemsOf(store: TestStore): Promise<string> {
  const backupTlsOf = () => store.tlsFor(storeBackupRole('presence'))
  const o = { url: store.url, clock: systemClock, services: ['presence'], backupTlsOf } as const
  return (await verifyStore(o)).problems.join('\n')
}

test('a record that is damaged on disk is named, and its partition is not served; the others are', async () => {
  await using store = await startTestStore({ address: '127.1.3.54', services: ['presence'] })
  await fill(store, 0)
  await fill(store, 1)
  await store.server.stop()
  await damage(store, 'PRESENCE', 'presence_log_0')
  await store.server.start()
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection)
  await assert.rejects(KeyedOwner.take(logs, 0), (error) => {
    assert.ok(error instanceof LogCorruptError)
    assert.match(error.message, /presence\.[a-z0-9_]+\.log\.0 is broken at sequence \d+/)
    return true
  })
  assert.equal((await KeyedOwner.take(logs, 1)).state.size, 200)
  assert.match(await problemsOf(store), /^stream presence_log_0: .*log\.0 is broken at sequence \d+[^\n]*$/)
})

test('a server that was killed and finds damage leaves out all behind it and serves the rest: verify says so', async () => {
  await using store = await startTestStore({ address: '127.1.3.57', services: ['presence'] })
  await fill(store, 0)
  await store.server.kill('SIGKILL')
  await damage(store, 'PRESENCE', 'presence_log_0')
  await store.server.start()
  assert.match(await problemsOf(store), /^stream presence_log_0: \d+ octets could not be read when the server started$/)
})

test('a log that was cut off is named and not taken by whoever comes; others are; an operator may accept it', async () => {
  await using store = await startTestStore({ address: '127.1.3.68', services: ['presence'] })
  const a = await ReplicaProcess.start(store, 'a')
  await until(() => a.held.size === PARTITIONS)
  for (let n = 0; n < 200; n += 1) await a.owned.get(0)?.append(Buffer.alloc(20_000, n))
  const acknowledged = a.owned.get(0)?.acknowledged
  await a.leave()
  await store.server.kill('SIGKILL')
  await damage(store, 'PRESENCE', 'presence_log_0')
  await store.server.start()
  const named = new RegExp(
    `presence\\.[a-z0-9_]+\\.log\\.0 is broken at sequence \\d+: it is the last record in stream presence_log_0, but sequence ${acknowledged} was acknowledged`,
  )
  assert.match(await problemsOf(store), named)
  const b = await ReplicaProcess.start(store, 'b')
  // It tries again and again, and leaves an epoch message each time.
  await until(() => b.events.filter(({ kind }) => kind === 'take-failed').length === 3)
  await until(() => b.held.size === PARTITIONS - 1)
  assert.equal(b.held.has(0), false)
  assert.match((await b.replicas).problems.join('\n'), named)
  await b.leave()
  // After a clean restart the server itself does not know of the damage any more.
  await store.server.restart()
  assert.match(await problemsOf(store), named)
  await using operator = await connectTo(store, 'presence')
  await purge(operator, { stream: leaseStreamOf('presence').name, subject: 'presence.*.lease.*', timeoutMs: 2_000 })
  assert.equal(await problemsOf(store), '')
  const c = await ReplicaProcess.start(store, 'c')
  await until(() => c.held.size === PARTITIONS)
  await c.owned.get(1)?.append(Buffer.from('a record'))
  await c.leave()
  for (const subject of ['presence.*.log.1', 'presence.*.snap.1.>'])
    await purge(operator, { stream: 'presence_log_1', subject, timeoutMs: 2_000 })
  assert.match(await problemsOf(store), /log\.1 is broken at sequence 0: .* but sequence \d+ was acknowledged$/)
})

test('an owner that was told of more than the damaged log holds does not take that for another owner’s work', async () => {
  await using store = await startTestStore({ address: '127.1.3.58', services: ['presence'] })
  await fill(store, 0)
  await store.server.restart()
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection, { appendTimeoutMs: 1_000 })
  const owner = await KeyedOwner.take(logs, 4, { octets: 20_000 })
  await owner.countUp('of a living owner')
  await store.server.kill('SIGKILL')
  await damage(store, 'PRESENCE', 'presence_log_0')
  await store.server.start()
  await until(() => connection.isConnected)
  await assert.rejects(owner.countUp('next'), { code: 'STORE_UNAVAILABLE', outcome: 'open' })
  assert.equal(owner.owned.isAvailable, false)
})
