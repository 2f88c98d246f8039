import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { connectTo, openLogs, payloadsOf } from '../testing/store-client.ts'
import { repairDataFolder } from './repair-data-folder.ts'

test('a kill between a block and its key costs no stream: the empty block goes before nats-server starts', async () => {
  await using store = await startTestStore({ address: '127.1.3.41', services: ['presence'] })
  const folder = join(store.storeDir, 'jetstream', 'PRESENCE', 'streams', 'presence_log_0', 'msgs')
  {
    await using connection = await connectTo(store, 'presence')
    const owned = await (await openLogs(connection)).take(0, () => {})
    await owned.append(Buffer.from('kept'))
  }
  await store.server.kill('SIGKILL')
  const last = Math.max(...(await readdir(folder)).map((file) => Number.parseInt(file, 10)).filter(Number.isFinite))
  await writeFile(join(folder, `${last + 1}.blk`), '')
  await writeFile(join(folder, `${last + 1}.key.tmp`), 'half a k')
  await store.server.start()
  await using connection = await connectTo(store, 'presence')
  assert.deepEqual(await payloadsOf(await openLogs(connection), 0), ['kept'])
})

test('nothing else is touched: blocks with a key, with octets, of a store that does not encrypt, or elsewhere', async () => {
  const root = await mkdtemp(join(tmpdir(), 'rollcall-repair-'))
  const stream = (name: string) => join(root, 'jetstream', 'A', 'streams', name)
  const files: [string, string][] = [
    [join(stream('s'), 'meta.key'), 'k'],
    [join(stream('s'), 'msgs', '1.blk'), 'octets'],
    [join(stream('s'), 'msgs', '2.blk'), ''],
    [join(stream('s'), 'msgs', '2.key'), 'k'],
    [join(stream('s'), 'msgs', '3.blk'), ''],
    [join(stream('s'), 'msgs', '4.blk.tmp'), ''],
    [join(stream('plain'), 'msgs', '1.blk'), ''],
    [join(stream('s'), '5.blk'), ''],
  ]
  try {
    for (const [file, content] of files) {
      await mkdir(join(file, '..'), { recursive: true })
      await writeFile(file, content)
    }
    assert.deepEqual(await repairDataFolder(root), [join(stream('s'), 'msgs', '3.blk')])
    assert.deepEqual(await repairDataFolder(root), [])
    assert.deepEqual(await repairDataFolder(join(root, 'absent')), [])
  } finally {
    await rm(root, { recursive: true })
  }
})
