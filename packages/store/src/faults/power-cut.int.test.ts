import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LoopDisk, startTestCluster, startTestStore } from '@rollcall/dev-env'
import { StreamMissingError } from '../errors.ts'
import { KeyedOwner, lostOf } from '../testing/keyed-owner.ts'
import { takeUntilTaken } from '../testing/race.ts'
import { connectTo, openLogs, until } from '../testing/store-client.ts'

const DISK_MEGABYTES = 512
const STREAM_BYTES = 64 * 1024 * 1024

/** Runs with file systems mounted at some folders below a temporary one, or skips the test with its reason. */
async function withDisks(
  t: TestContext,
  folders: readonly string[],
  act: (root: string, disks: readonly LoopDisk[]) => Promise<void>,
): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), 'rollcall-power-'))
  const disks: LoopDisk[] = []
  try {
    for (const [n, folder] of folders.entries()) {
      const disk = await LoopDisk.mount(join(root, folder), join(root, `disk-${n}`), DISK_MEGABYTES)
      if (typeof disk === 'string') return t.skip(disk)
      disks.push(disk)
    }
    await act(root, disks)
  } finally {
    for (const disk of disks) await disk[Symbol.asyncDispose]()
    await rm(root, { recursive: true, force: true })
  }
}

function countOf(owner: KeyedOwner): number {
  return [...owner.acknowledged.values()].reduce((sum, count) => sum + count, 0)
}

test('a power cut amid appends and snapshots, four times: every acknowledged record is there (decision 6)', async (t) => {
  await withDisks(t, ['nats/jetstream'], async (folder, [disk]) => {
    await using store = await startTestStore({ address: '127.1.3.59', services: ['presence'], folder })
    await using connection = await connectTo(store, 'presence')
    const logs = await openLogs(connection)
    const owner = await KeyedOwner.take(logs, 0, { octets: 1_000 })
    owner.work({ keys: 64, prefix: 'k', withSnapshots: true })
    for (let round = 0; round < 4; round += 1) {
      const before = countOf(owner)
      await until(() => countOf(owner) > before + 500 && owner.snapshots > round, 30_000)
      await store.server.kill('SIGSTOP')
      await disk?.cutPower(() => store.server.kill('SIGKILL'))
      await store.server.start()
    }
    await owner.stop()
    await owner.owned.release()
    const next = await KeyedOwner.take(logs, 0)
    assert.deepEqual(lostOf(owner.acknowledged, next.state), [])
    t.diagnostic(`${countOf(owner)} acknowledged, ${owner.snapshots} snapshots, 4 cuts`)
    await next.owned.release()
  })
})

test('the same, when acknowledged before it is synced: records are lost, so the test above can tell', async (t) => {
  await withDisks(t, ['nats/jetstream'], async (folder, [disk]) => {
    const durability = 'lost-at-power-cut'
    await using store = await startTestStore({ address: '127.1.3.60', services: ['presence'], folder, durability })
    await using connection = await connectTo(store, 'presence')
    const owner = await KeyedOwner.take(await openLogs(connection, { appendTimeoutMs: 1_000 }), 0)
    owner.work({ keys: 64, prefix: 'k' })
    await until(() => countOf(owner) > 1_000, 30_000)
    await store.server.kill('SIGSTOP')
    await disk?.cutPower(() => store.server.kill('SIGKILL'))
    await store.server.start()
    await until(() => connection.isConnected)
    owner.owned.drop()
    await owner.stop()
    let lost: readonly string[]
    try {
      lost = lostOf(owner.acknowledged, (await KeyedOwner.take(await openLogs(connection), 0)).state)
    } catch (error) {
      // A stream that is two seconds old is not on disk itself.
      assert.ok(error instanceof StreamMissingError, String(error))
      lost = [...owner.acknowledged.keys()]
    }
    assert.ok(lost.length > 0, 'a power cut that loses nothing proves nothing')
  })
})

test('a power cut of all three servers at once: every acknowledged record is there', async (t) => {
  const folders = [0, 1, 2].map((server) => `server-${server}/nats/jetstream`)
  await withDisks(t, folders, async (folder, disks) => {
    const addresses = ['127.1.3.61', '127.1.3.62', '127.1.3.63'] as const
    await using cluster = await startTestCluster({
      addresses,
      services: ['presence'],
      folder,
      streamBytesMax: STREAM_BYTES,
    })
    await using connection = await connectTo(cluster, 'presence')
    const logs = await openLogs(connection)
    const owner = await KeyedOwner.take(logs, 0, { octets: 1_000 })
    owner.work({ keys: 64, prefix: 'k', withSnapshots: true })
    await until(() => countOf(owner) > 2_000 && owner.snapshots > 1, 40_000)
    // Stopped at one moment: no server acknowledges by what another one had already lost.
    await Promise.all(cluster.servers.map((server) => server.kill('SIGSTOP')))
    for (const [n, disk] of disks.entries()) {
      await disk.cutPower(async () => await cluster.servers[n]?.kill('SIGKILL'))
    }
    await Promise.all(cluster.servers.map((server) => server.start()))
    await cluster.leaderOf('presence', 'presence_log_0')
    await owner.stop()
    const loaded = new Map<string, number>()
    const next = await takeUntilTaken(logs, 0, ({ record }) => {
      const [key = '', count = ''] = record.toString().split('=')
      loaded.set(key, Number.parseInt(count, 10))
    })
    assert.deepEqual(lostOf(owner.acknowledged, loaded), [])
    t.diagnostic(`${countOf(owner)} acknowledged, ${owner.snapshots} snapshots`)
    await next.release()
    owner.owned.drop()
  })
})
