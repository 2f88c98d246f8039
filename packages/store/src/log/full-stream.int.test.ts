import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestStore } from '@rollcall/dev-env'
import { StoreFullError } from '../errors.ts'
import { connectTo, openLogs, until } from '../testing/store-client.ts'
import type { LogEvent } from './log-event.ts'

const STREAM_BYTES = 1024 * 1024

const store = await startTestStore({ address: '127.1.3.13', services: ['presence'], streamBytesMax: STREAM_BYTES })
after(() => store.stop())

test('a full stream loses nothing: callers are told, the partition takes nothing, and goes on when there is room', async () => {
  await using connection = await connectTo(store, 'presence')
  const events: LogEvent[] = []
  const logs = await openLogs(connection, { appendTimeoutMs: 500, onEvent: (event) => void events.push(event) })
  const owned = await logs.take(0, () => {})
  const record = Buffer.alloc(100 * 1024)
  let acknowledged = 0
  await assert.rejects(async () => {
    for (; acknowledged < 100; acknowledged += 1) await owned.append(record)
  }, StoreFullError)
  assert.ok(acknowledged >= 5 && acknowledged <= 10, String(acknowledged))
  assert.equal(owned.isAvailable, false)
  assert.ok(events.some((event) => event.kind === 'unavailable' && event.reason === 'full'))

  const { requests } = connection
  const purge = Buffer.from(JSON.stringify({ filter: 'presence.*.log.0', keep: 1 }))
  await requests.request('$JS.API.STREAM.PURGE.presence_log_0', purge, { timeoutMs: 5_000 })
  await until(() => owned.isAvailable)
  await owned.append(Buffer.from('z'))
  const loaded: number[] = []
  await logs.take(0, (each) => loaded.push(each.record.length))
  assert.deepEqual(loaded, [record.length, record.length, 1], 'the last one kept, the one that was open, the new one')
})
