import assert from 'node:assert/strict'
import { rename, rm } from 'node:fs/promises'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { StreamMissingError } from '../errors.ts'
import { KeyedOwner } from '../testing/keyed-owner.ts'
import { connectTo, openLogs, until } from '../testing/store-client.ts'

const store = await startTestStore({ address: '127.1.3.56', services: ['presence'] })
after(() => store.stop())

test('a stream that is gone under its owner: nothing is acknowledged, nothing is made anew, and back again it goes on', async () => {
  await using connection = await connectTo(store, 'presence')
  const logs = await openLogs(connection, { appendTimeoutMs: 1_000 })
  const owner = await KeyedOwner.take(logs, 0)
  await owner.countUp('before')
  await store.server.stop()
  await rename(store.storeDir, `${store.storeDir}.away`)
  await store.server.start()
  await until(() => connection.isConnected)
  const open = owner.countUp('meanwhile')
  await assert.rejects(open, { code: 'STORE_UNAVAILABLE', outcome: 'open' })
  assert.equal(owner.owned.isAvailable, false)
  await assert.rejects(owner.owned.snapshot([]), { code: 'STORE_UNAVAILABLE' })
  await assert.rejects(openLogs(connection), StreamMissingError)

  await store.server.stop()
  await rm(store.storeDir, { recursive: true })
  await rename(`${store.storeDir}.away`, store.storeDir)
  await store.server.start()
  await until(() => owner.owned.isAvailable)
  await owner.countUp('after')
  const next = await KeyedOwner.take(logs, 0)
  assert.deepEqual([...next.state.keys()], ['before', 'meanwhile', 'after'])
})
