import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { SmallDisk, startTestStore } from '@rollcall/dev-env'
import { KeyedOwner, lostOf } from '../testing/keyed-owner.ts'
import { connectTo, openLogs, until } from '../testing/store-client.ts'

test('a full disk: what was acknowledged stays, nothing more is taken; with room and a restarted NATS all goes on by itself', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-full-'))
  const storeDir = join(folder, 'nats', 'jetstream')
  const disk = await SmallDisk.mount(storeDir, 24)
  if (typeof disk === 'string') {
    await rm(folder, { recursive: true })
    t.skip(disk)
    return
  }
  try {
    await using _ = disk
    // Something else on the disk, that somebody can remove.
    const ballast = join(storeDir, 'ballast')
    await writeFile(ballast, Buffer.alloc(12 * 1024 * 1024))
    await using store = await startTestStore({ address: '127.1.3.55', services: ['presence'], folder })
    await using connection = await connectTo(store, 'presence')
    const logs = await openLogs(connection, { appendTimeoutMs: 1_000 })
    const owner = await KeyedOwner.take(logs, 0, { octets: 100_000 })
    const filling = async (): Promise<void> => {
      for (let n = 0; n < 400; n += 1) await owner.countUp(`k${n}`)
    }
    await assert.rejects(filling(), { code: 'STORE_UNAVAILABLE', outcome: 'open' })
    assert.ok(owner.acknowledged.size > 50, `${owner.acknowledged.size} acknowledged`)
    // The server does not answer what it could not write.
    await until(() => !owner.owned.isAvailable)
    await assert.rejects(owner.owned.append(Buffer.from('x')), { code: 'STORE_UNAVAILABLE', outcome: 'refused' })

    // A nats-server that met a full disk does not write to that stream again before a restart.
    await rm(ballast)
    await store.server.restart()
    await until(() => owner.owned.isAvailable)
    await owner.countUp('after')
    const next = await KeyedOwner.take(logs, 0)
    assert.deepEqual(lostOf(owner.acknowledged, next.state), [])
    // The record whose outcome was open has landed, as it was promised.
    assert.equal(next.state.size, owner.acknowledged.size + 1)
    await next.owned.release()
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
